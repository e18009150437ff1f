// An address that is taken apart and put together again is the same address.
// Parts: http/url
#include "target.h"

#include "http/url.h"

#include <algorithm>

JETON_FUZZ_TARGET(url) {
  using jeton::http::parse_url;
  const auto url = parse_url(input);
  if (!url) {
    JETON_PROPERTY(!url.error().what.empty());
    return;
  }
  const auto printable = [](char c) { return c > 0x20 && c < 0x7F; };
  JETON_PROPERTY(!url->host.empty() && std::ranges::all_of(url->host, printable) && !url->host.contains('@'));
  JETON_PROPERTY(url->target.starts_with('/') && std::ranges::all_of(url->target, printable) &&
                 !url->target.contains('#'));
  const auto again = parse_url((url->tls ? "https://" : "http://") + url->authority() + url->target);
  JETON_PROPERTY(again.has_value());
  JETON_PROPERTY(again->tls == url->tls && again->host == url->host && again->port == url->port &&
                 again->target == url->target);
}
