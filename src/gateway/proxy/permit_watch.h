// PermitWatch: looks at the exchanges of one event loop that last, several times a second, and ends those whose token
// has ended meanwhile: it has expired, or was revoked, or its key is gone.
//
// An exchange that ends between two looks is not asked about at all: it was decided on when it began. Anything older is
// asked about at each look: about 0.14 µs, so 10,000 that last cost a core less than 1 %; with none there is no timer.
//
// Ownership: who is watched leaves by its destruction. Threads: its loop's.
#pragma once

#include "gateway/proxy/forward.h"
#include "http/upstream_pool.h"

#include <jeton/error.h>

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace jeton::gateway {

// Why what was allowed may not go on; nothing: it may.
using PermitObjection = std::function<std::optional<Error>(const Permit&)>;

class Permitted : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Permitted(const Permitted&) = delete;
  Permitted& operator=(const Permitted&) = delete;

 protected:
  explicit Permitted(const Permit* permit) noexcept : permit_(permit) {}
  ~Permitted() = default;

 private:
  friend class PermitWatch;
  // Is called at most once. Nothing more may reach either side, and it ends soon.
  virtual void end(const Error& why) noexcept = 0;
  const Permit* permit_;
  bool lasts_ = false;  // it was there at a look before
};

class PermitWatch {
 public:
  static constexpr std::chrono::milliseconds look_interval{250};

  // Without an objection nothing is watched.
  PermitWatch(boost::asio::io_context& loop, const PermitObjection& objection);
  void add(Permitted& one);
  // The loop ends: the timer is given up.
  void close() noexcept { timer_.reset(); }

 private:
  void arm();
  void look() noexcept;

  const PermitObjection& objection_;
  std::unique_ptr<http::LoopTimer> timer_;
  boost::intrusive::list<Permitted, boost::intrusive::constant_time_size<false>> under_way_;
  bool armed_ = false;
};

}  // namespace jeton::gateway
