#include "gateway/policy_file.h"

#include "gateway/route_settings.h"
#include "gateway/shared_limits/server_address.h"
#include "http/forwarded.h"
#include "http/url.h"
#include "platform/nearest_name.h"
#include "platform/toml_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace jeton::gateway {
namespace {

using platform::Fault;
using platform::Outcome;
using platform::TomlFaults;
using platform::TomlTable;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// HOST:PORT, an IPv6 address in brackets; an empty text is none.
bool is_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  const bool is_bracketed = host.front() == '[' && host.back() == ']';
  if (!is_bracketed && host.find_first_of(":[]") != host.npos) return false;
  const bool is_number =
      !port.empty() && port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  return is_number && std::stoul(std::string(port)) <= 65'535;
}

void read_address(TomlTable& table, std::string_view name, std::string& address) {
  auto text = table.text(name);
  if (!text.has_value()) return;
  if (!text->empty() && !is_listen_address(*text))
    table.complain(name, fmt::format("must be HOST:PORT, such as \"127.0.0.1:8081\", not \"{}\"", *text));
  else
    address = *std::move(text);
}

// A path, or another text that has something in it.
void read_path(TomlTable& table, std::string_view name, std::string& path) {
  auto text = table.text(name);
  if (!text.has_value()) return;
  if (text->empty())
    table.complain(name, "must not be empty");
  else
    path = *std::move(text);
}

// Keys, and what is trusted for what it says, come over https; over http from this machine alone.
void read_url(TomlTable& table, std::string_view name, std::string& url) {
  auto text = table.text(name);
  if (!text.has_value()) return;
  const auto parsed = http::parse_url(*text);
  if (!parsed.has_value())
    return table.complain(name, fmt::format("is no http or https address: {}", parsed.error().what));
  const bool is_loopback = parsed->host == "localhost" || parsed->host == "::1" || parsed->host.starts_with("127.");
  if (!parsed->tls && !is_loopback) return table.complain(name, "must begin with https://, or name this machine");
  url = *std::move(text);
}

void read_count(TomlTable& table, std::string_view name, std::int64_t least, std::int64_t most, std::uint32_t& count) {
  if (const auto number = table.number(name, least, most)) count = static_cast<std::uint32_t>(*number);
}

void read_shared_limits(TomlTable& table, GatewaySettings& gateway) {
  read_path(table, "shared_limits", gateway.shared_limits);
  read_path(table, "shared_limits_secret", gateway.shared_limits_secret);
  read_path(table, "shared_limits_user", gateway.shared_limits_user);
  read_path(table, "shared_limits_password", gateway.shared_limits_password);
  read_path(table, "shared_limits_prefix", gateway.shared_limits_prefix);
  gateway.shared_limits_refuse = table.word("shared_limits_away", {"local", "refuse"}).value_or(0) == 1;
  if (gateway.shared_limits.empty()) {
    for (const std::string_view name : {"secret", "user", "password", "prefix", "away"}) {
      const std::string setting = fmt::format("shared_limits_{}", name);
      if (table.has(setting)) table.complain(setting, "is for a server, and shared_limits names none");
    }
    return;
  }
  if (const auto address = parse_server_address(gateway.shared_limits); !address.has_value())
    table.complain("shared_limits", address.error());
  if (gateway.shared_limits_secret.empty())
    table.complain("shared_limits_secret", "is missing: a file with the same secret at every gateway");
  if (gateway.shared_limits_password.empty() && !gateway.shared_limits_user.empty())
    table.complain("shared_limits_password", "is missing: a user has a password");
}

GatewaySettings read_gateway(TomlTable table) {
  GatewaySettings gateway;
  read_address(table, "listen", gateway.listen);
  read_address(table, "forward_auth", gateway.forward_auth);
  read_address(table, "operations", gateway.operations);
  if (const toml::node* list = table.node("trusted_proxies");
      list != nullptr && !(list->is_array() && list->as_array()->empty())) {
    if (auto proxies = table.texts("trusted_proxies")) {
      for (const std::string& proxy : *proxies) {
        if (!http::parse_address_range(proxy))
          table.complain("trusted_proxies", fmt::format("holds \"{}\", which is no address and no network", proxy));
      }
      gateway.trusted_proxies = *std::move(proxies);
    }
  }
  gateway.forwarded_host = table.flag("forwarded_host").value_or(false);
  if (gateway.forwarded_host && gateway.trusted_proxies.empty())
    table.complain("forwarded_host", "is for trusted_proxies, and there are none");
  gateway.limits = read_client_limits(table);
  read_path(table, "state", gateway.state);
  read_path(table, "shadow", gateway.shadow);
  read_path(table, "certificate", gateway.certificate);
  read_path(table, "key", gateway.key);
  if (gateway.certificate.empty() != gateway.key.empty())
    table.complain(gateway.key.empty() ? "key" : "certificate", "is missing: a certificate and its key go together");
  read_count(table, "threads", 0, 256, gateway.threads);
  read_count(table, "connections_max", 1, 1'000'000, gateway.connections_max);
  read_count(table, "cached_tokens_max", 1, 100'000'000, gateway.cached_tokens_max);
  read_count(table, "log_allowed_one_in", 0, 1'000'000'000, gateway.log_allowed_one_in);
  read_count(table, "log_lines_per_second_max", 0, 1'000'000, gateway.log_lines_per_second_max);
  read_shared_limits(table, gateway);
  table.finish();
  return gateway;
}

void read_algorithms(TomlTable& table, std::vector<Algorithm>& algorithms) {
  const auto names = table.texts("algorithms");
  if (!names.has_value()) return;
  for (const std::string& name : *names) {
    const auto algorithm = algorithm_named(name);
    if (!algorithm.has_value())
      table.complain("algorithms", fmt::format("holds \"{}\", which is no algorithm that Jeton knows", name));
    else if (std::ranges::find(algorithms, *algorithm) != algorithms.end())
      table.complain("algorithms", fmt::format("holds \"{}\" twice", name));
    else
      algorithms.push_back(*algorithm);
  }
}

void read_feed(TomlTable& table, IssuerSettings& issuer) {
  issuer.feed = table.flag("feed").value_or(false);
  issuer.feed_key = table.text("feed_key").value_or("");
  issuer.client_id = table.text("client_id").value_or("");
  read_path(table, "client_secret_file", issuer.client_secret_file);
  if (issuer.feed && issuer.feed_key.empty() && !table.has("feed_key"))
    table.complain("feed_key", "is missing: a feed is believed by a key that is pinned here (jeton feed key)");
  for (const std::string_view name : {"client_id", "client_secret_file"}) {
    if (issuer.feed && !table.has(name))
      table.complain(name, "is missing: the issuer tells its feed to clients that it knows");
  }
}

void read_introspection(TomlTable& table, IssuerSettings& issuer) {
  read_url(table, "introspection_endpoint", issuer.introspection_endpoint);
  issuer.introspection_timeout =
      table.duration("introspection_timeout", seconds{1}, seconds{30}).value_or(issuer.introspection_timeout);
  issuer.introspection_max_age =
      table.duration("introspection_max_age", seconds{0}, minutes{5}).value_or(issuer.introspection_max_age);
  for (const std::string_view name : {"introspection_timeout", "introspection_max_age"}) {
    if (table.has(name) && !table.has("introspection_endpoint"))
      table.complain(name, "is for an introspection_endpoint, and none is named");
  }
  for (const std::string_view name : {"client_id", "client_secret_file"}) {
    if (table.has("introspection_endpoint") && !issuer.feed && !table.has(name))
      table.complain(name, "is missing: the issuer speaks of tokens to clients that it knows");
  }
}

IssuerSettings read_issuer(TomlTable table) {
  IssuerSettings issuer;
  if (!table.has("url")) table.complain("url", "is missing: what `iss` says");
  const bool has_keys_elsewhere = table.has("jwks") || table.has("jwks_file");
  if (has_keys_elsewhere) {
    issuer.url = table.text("url").value_or("");  // a name that tokens carry, and nothing is fetched from it
    if (issuer.url.empty() && table.has("url")) table.complain("url", "must not be empty");
  } else {
    read_url(table, "url", issuer.url);
  }
  read_url(table, "jwks", issuer.jwks);
  read_path(table, "jwks_file", issuer.jwks_file);
  if (table.has("jwks") && table.has("jwks_file")) table.complain("jwks_file", "stands beside jwks; only one can be");
  if (const auto place = table.word("profile", {"any", "access_token", "jeton"}))
    issuer.profile = static_cast<Profile>(*place);
  read_path(table, "typ", issuer.typ);
  read_algorithms(table, issuer.algorithms);
  issuer.leeway = table.duration("leeway", seconds{0}, minutes{10}).value_or(issuer.leeway);
  read_feed(table, issuer);
  read_introspection(table, issuer);
  table.finish();
  return issuer;
}

void read_health(TomlTable& table, UpstreamSettings& upstream) {
  const toml::table* const inner = table.table("health");
  if (inner == nullptr) return;
  TomlTable health(*inner, table.label() + " health", table.faults());
  upstream.health_path = health.text("path").value_or("");
  if (!upstream.health_path.starts_with('/')) health.complain("path", "must begin with /");
  read_health_limits(health, upstream.limits);
  upstream.health_every = health.duration("every", seconds{1}, hours{1}).value_or(upstream.health_every);
  health.finish();
}

UpstreamSettings read_upstream(TomlTable table) {
  UpstreamSettings upstream{.name = table.text("name").value_or("")};
  if (upstream.name.empty()) table.complain("name", table.has("name") ? "must not be empty" : "is missing");
  if (!table.has("servers")) table.complain("servers", "is missing");
  if (auto servers = table.texts("servers")) {
    for (const std::string& server : *servers) {
      const auto url = http::parse_url(server);
      if (!url.has_value() || url->target != "/")
        table.complain("servers", fmt::format("holds \"{}\"; expected http://HOST:PORT or https://HOST:PORT", server));
    }
    upstream.servers = *std::move(servers);
  }
  upstream.limits = read_server_limits(table);
  read_health(table, upstream);
  upstream.connect_timeout =
      table.duration("connect_timeout", seconds{1}, minutes{5}).value_or(upstream.connect_timeout);
  upstream.response_timeout =
      table.duration("response_timeout", seconds{1}, hours{24}).value_or(upstream.response_timeout);
  read_path(table, "ca_file", upstream.ca_file);
  upstream.pass_authorization = table.flag("pass_authorization").value_or(upstream.pass_authorization);
  upstream.pass_refresh_cookies = table.flag("pass_refresh_cookies").value_or(upstream.pass_refresh_cookies);
  table.finish();
  return upstream;
}

// One reading of one document.
class Reading {
 public:
  Reading(const toml::table& document, const std::string& file_name)
      : document_(document),
        faults_(file_name),
        top_(document, "", faults_),
        issuers_(top_.tables("issuer")),
        upstreams_(top_.tables("upstream")),
        routes_(top_.tables("route")) {}

  Outcome<PolicyFile> file() {
    if (const toml::table* table = top_.table("gateway")) file_.gateway = read_gateway({*table, "[gateway]", faults_});
    for (const toml::table* table : issuers_) file_.issuers.push_back(read_issuer({*table, "[[issuer]]", faults_}));
    for (const toml::table* table : upstreams_)
      file_.upstreams.push_back(read_upstream({*table, "[[upstream]]", faults_}));
    read_routes();
    top_.finish();
    look_at_names();
    if (!faults_.none()) return std::unexpected(faults_.fault());
    return std::move(file_);
  }

 private:
  void read_routes() {
    RouteDefaults defaults;
    if (const toml::table* table = top_.table("defaults")) defaults = read_defaults({*table, "[defaults]", faults_});
    std::vector<Route> routes;
    for (const toml::table* table : routes_) {
      ReadRoute read = read_route({*table, "[[route]]", faults_}, defaults);
      file_.any_audience = file_.any_audience || read.any_audience;
      for (const std::string& audience : read.route.policy.audiences) {
        if (std::ranges::find(file_.audiences, audience) == file_.audiences.end()) file_.audiences.push_back(audience);
      }
      routes.push_back(std::move(read.route));
      file_.cors.push_back(std::move(read.cors));
    }
    if (routes.size() > routes_max) {
      faults_.add(routes_.back()->source(), fmt::format("has {} routes; at most {}", routes.size(), routes_max));
      return;
    }
    if (std::ranges::none_of(file_.cors, [](const auto& cors) { return cors != nullptr; })) file_.cors.clear();
    look_at_route_names(routes);
    look_at_staleness(routes);
    auto built = Routes::build(std::move(routes));
    if (built.has_value()) {
      file_.routes = *std::move(built);
      return;
    }
    for (const Routes::Fault& fault : built.error())
      faults_.add(routes_[fault.route]->source(), "[[route]] " + fault.text);
  }

  void complain_about(const toml::table& table, std::string_view name, const std::string& text) {
    const toml::node* const node = table.get(name);
    faults_.add(node != nullptr ? node->source() : table.source(), text);
  }

  void look_at_route_names(const std::vector<Route>& routes) {
    std::set<std::string> names;
    std::vector<std::string> upstreams, issuers;
    for (const UpstreamSettings& upstream : file_.upstreams) upstreams.push_back(upstream.name);
    for (const IssuerSettings& issuer : file_.issuers) issuers.push_back(issuer.url);
    for (std::size_t i = 0; i < routes.size(); ++i) {
      const Route& route = routes[i];
      if (!route.name.empty() && !names.insert(route.name).second)
        complain_about(*routes_[i], "name", fmt::format("[[route]] name \"{}\" stands there twice", route.name));
      if (!route.upstream.empty() && std::ranges::find(upstreams, route.upstream) == upstreams.end()) {
        complain_about(*routes_[i], "upstream",
                       fmt::format("[[route]] upstream \"{}\" is not an [[upstream]].{}", route.upstream,
                                   platform::did_you_mean(route.upstream, upstreams)));
      }
      if (route.upstream.empty() && !file_.gateway.listen.empty())
        complain_about(*routes_[i], "upstream",
                       "[[route]] upstream is missing, and [gateway] listen is a reverse proxy");
      for (const std::string& issuer : route.policy.issuers) {
        if (std::ranges::find(issuers, issuer) == issuers.end()) {
          complain_about(*routes_[i], "require",
                         fmt::format("[[route]] issuer \"{}\" is not an [[issuer]].{}", issuer,
                                     platform::did_you_mean(issuer, issuers)));
        }
      }
    }
  }

  // A rule about revocations that nobody tells would be silently none.
  void look_at_staleness(const std::vector<Route>& routes) {
    for (std::size_t i = 0; i < routes.size(); ++i) {
      const Policy& policy = routes[i].policy;
      if (policy.when_stale == WhenStale::allow || policy.authentication == Authentication::forbidden) continue;
      for (const IssuerSettings& issuer : file_.issuers) {
        const auto& named = policy.issuers;
        const bool is_admitted = named.empty() || std::ranges::find(named, issuer.url) != named.end();
        if (!is_admitted || issuer.url.empty()) continue;
        if (policy.when_stale == WhenStale::introspect && issuer.introspection_endpoint.empty()) {
          complain_about(*routes_[i], "staleness",
                         fmt::format("[[route]] staleness then = \"introspect\" cannot ask the issuer \"{}\", which "
                                     "has no introspection_endpoint",
                                     issuer.url));
        }
        if (issuer.feed) continue;
        complain_about(*routes_[i], "staleness",
                       fmt::format("[[route]] staleness then = \"{}\" is no rule for the issuer \"{}\", which has no "
                                   "feed: set feed = true there, or then = \"allow\" here, or admit other issuers",
                                   policy.when_stale == WhenStale::deny ? "deny" : "introspect", issuer.url));
      }
    }
  }

  void look_at_names() {
    std::set<std::string> names;
    for (std::size_t i = 0; const toml::table* table : issuers_) {
      const std::string& url = file_.issuers[i++].url;
      if (!url.empty() && !names.insert(url).second)
        complain_about(*table, "url", fmt::format("[[issuer]] url \"{}\" stands there twice", url));
    }
    names.clear();
    for (std::size_t i = 0; const toml::table* table : upstreams_) {
      const std::string& name = file_.upstreams[i++].name;
      if (!name.empty() && !names.insert(name).second)
        complain_about(*table, "name", fmt::format("[[upstream]] name \"{}\" stands there twice", name));
    }
    if (!document_.contains("route") && faults_.none())
      faults_.add(document_.source(), "there is no [[route]], so every request would be refused");
    const bool takes_tokens = std::ranges::any_of(file_.routes.all(), [](const Route& route) {
      return route.policy.authentication != Authentication::forbidden;
    });
    if (takes_tokens && !document_.contains("issuer") && faults_.none())
      faults_.add(document_.source(), "there is no [[issuer]], so no token would be good");
  }

  const toml::table& document_;
  TomlFaults faults_;
  TomlTable top_;
  const std::vector<const toml::table*> issuers_, upstreams_, routes_;
  PolicyFile file_;
};

}  // namespace

Outcome<PolicyFile> parse_policy_file(std::string_view text, const std::string& file_name) {
  const auto document = platform::parse_toml(text, file_name);
  if (!document.has_value()) return std::unexpected(document.error());
  return Reading(*document, file_name).file();
}

TrustedIssuer trusted_issuer(const IssuerSettings& issuer, const PolicyFile& file, KeySet keys) {
  auto audience = file.any_audience ? AudienceRule::accept_any_because("a route of the policy takes any audience")
                                    : AudienceRule::must_include_one_of(file.audiences);
  return TrustedIssuer{
      .issuer = issuer.url,
      .audience = std::move(audience),
      .keys = std::move(keys),
      .algorithms = issuer.algorithms.empty() ? AlgorithmRule::of_the_keys() : AlgorithmRule::only(issuer.algorithms),
      .typ = issuer.typ == "any" ? TypRule::accept_any_because("the policy says so") : TypRule::must_be(issuer.typ),
      .profile = issuer.profile,
      .leeway = issuer.leeway};
}

}  // namespace jeton::gateway
