#include "http/server_tls.h"

#include "http/tls.h"

#include <system_error>
#include <utility>

namespace jeton::http {

platform::Outcome<std::shared_ptr<ServerTls>> ServerTls::load(std::string certificate_file, std::string key_file) {
  std::shared_ptr<ServerTls> tls(new ServerTls(std::move(certificate_file), std::move(key_file)));
  if (auto loaded = tls->reload(); !loaded) return std::unexpected(std::move(loaded.error()));
  return tls;
}

std::shared_ptr<boost::asio::ssl::context> ServerTls::current() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

ServerTls::Mark ServerTls::mark_of(const std::string& file) noexcept {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(file, error);
  const auto bytes = error ? 0 : std::filesystem::file_size(file, error);
  return error ? Mark{} : Mark{written, bytes};
}

platform::Outcome<void> ServerTls::reload() {
  // Marked first: what is written while we read is then read once more.
  const Mark certificate = mark_of(certificate_file_);
  const Mark key = mark_of(key_file_);
  auto context = server_tls_context(certificate_file_, key_file_);
  const std::lock_guard lock(mutex_);
  certificate_mark_ = certificate;
  key_mark_ = key;
  if (!context) return std::unexpected(std::move(context.error()));
  context_ = std::make_shared<boost::asio::ssl::context>(std::move(*context));
  return {};
}

platform::Outcome<bool> ServerTls::reload_if_changed() {
  {
    const std::lock_guard lock(mutex_);
    if (certificate_mark_ == mark_of(certificate_file_) && key_mark_ == mark_of(key_file_)) return false;
  }
  if (auto loaded = reload(); !loaded) return std::unexpected(std::move(loaded.error()));
  return true;
}

}  // namespace jeton::http
