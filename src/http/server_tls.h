// ServerTls: the certificate of a listener, read from two PEM files and read again when they change, without a pause:
// connections that exist keep what they began with.
//
// TLS 1.2 and later; HTTP/1.1 alone is offered by ALPN. Threads: everything may be called from any thread.
#pragma once

#include "platform/fault.h"

#include <boost/asio/ssl/context.hpp>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

namespace jeton::http {

class ServerTls {
 public:
  // `certificate_file`: the chain, the server's own first. Fault: a file cannot be read, or the two do not fit.
  static platform::Outcome<std::shared_ptr<ServerTls>> load(std::string certificate_file, std::string key_file);

  std::shared_ptr<boost::asio::ssl::context> current() const;
  // Reads the files again. Fault: they are not good; what was loaded before goes on.
  platform::Outcome<void> reload();
  // The same, if one of the files is another than when it was last read, or was written since. True: it was reloaded.
  platform::Outcome<bool> reload_if_changed();

 private:
  // What a file is known by: a renewal writes it anew or puts another in its place.
  struct Mark {
    std::filesystem::file_time_type written{};
    std::uintmax_t bytes = 0;
    friend bool operator==(const Mark&, const Mark&) = default;
  };
  ServerTls(std::string certificate_file, std::string key_file)
      : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}
  static Mark mark_of(const std::string& file) noexcept;

  const std::string certificate_file_;
  const std::string key_file_;
  mutable std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  Mark certificate_mark_;
  Mark key_mark_;
};

}  // namespace jeton::http
