#include "gateway/proxy/permit_watch.h"

#include "platform/log.h"

#include <exception>
#include <utility>

namespace jeton::gateway {

PermitWatch::PermitWatch(boost::asio::io_context& loop, const PermitObjection& objection)
    : objection_(objection), timer_(std::make_unique<http::LoopTimer>(loop)) {}

void PermitWatch::add(Permitted& one) {
  if (one.permit_ == nullptr || !objection_) return;
  under_way_.push_back(one);
  if (!armed_) arm();
}

void PermitWatch::arm() {
  if (!timer_) return;
  armed_ = true;
  timer_->expires_after(look_interval);
  timer_->async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // closed; `this` may be gone
    armed_ = false;
    look();
    if (!under_way_.empty()) arm();
  });
}

void PermitWatch::look() noexcept {
  for (auto at = under_way_.begin(); at != under_way_.end();) {
    Permitted& one = *at++;
    if (!std::exchange(one.lasts_, true)) continue;
    try {
      if (const auto objection = objection_(*one.permit_)) {
        one.unlink();
        one.end(*objection);
      }
    } catch (const std::exception& error) {  // no memory: it is asked about at the next look
      platform::log_error("permit not looked at", {{"what", error.what()}});
    }
  }
}

}  // namespace jeton::gateway
