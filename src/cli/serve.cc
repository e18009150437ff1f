// jeton serve: the issuer, wired together: configuration, socket, data directory, store, endpoints, signals.
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/history_guard.h"
#include "cli/outgoing_config.h"
#include "cli/serve_data.h"
#include "cli/store_access.h"
#include "http/server.h"
#include "issuer/issuer.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/place_file.h"
#include "platform/process.h"
#include "platform/signals.h"
#include "store/sqlite/sqlite_store.h"

#include <jeton/version.h>

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

namespace jeton::cli {
namespace {

using platform::Fault;
using platform::Outcome;

// As given on the command line; empty where not. What is given wins over the file.
struct ServeArguments {
  std::string config_path, listen, data, issuer_url;
  bool print_config = false;
};

Outcome<Config> effective_config(const ServeArguments& arguments) {
  Outcome<Config> config = config_of({.config_path = arguments.config_path, .data = arguments.data});
  if (!config.has_value()) return config;
  if (!arguments.listen.empty()) config->listen = arguments.listen;
  if (!arguments.issuer_url.empty()) config->issuer_url = arguments.issuer_url;
  return config;
}

unsigned http_threads(const Config& config) {
  constexpr unsigned threads_by_default_max = 8;
  if (config.http_threads != 0) return config.http_threads;
  return std::clamp(std::thread::hardware_concurrency(), 1U, threads_by_default_max);
}

// One running server, from its first step to its last.
class Service {
 public:
  Service(ServeArguments arguments, Config config, std::shared_ptr<const platform::PlaceFile> places, Console& console)
      : arguments_(std::move(arguments)),
        config_(std::move(config)),
        console_(console),
        store_clock_(clock_),
        issuer_(clock_, {.rules = config_.rules,
                         .algorithm = config_.algorithm,
                         .further_algorithms = config_.further_algorithms,
                         .password_pool = config_.password_pool,
                         .mail_link_base = mail_link_base(config_.mail),
                         .places = std::move(places),
                         .feed = config_.feed}) {}

  Outcome<void> start(const ListenAddress& address) {
    auto outgoing = read_outgoing(config_);
    if (!outgoing.has_value()) return std::unexpected(outgoing.error());
    // The socket first: a taken port is noticed before anything is made on disk.
    http::Router router;
    issuer_.add_routes(router);
    auto server =
        http::Server::listen({.host = address.host,
                              .port = address.port,
                              .threads = http_threads(config_),
                              .connections_max = config_.connections_max,
                              .trusted_proxies = trusted_proxies_of(config_)},
                             std::move(router), [this](const http::Exchange& exchange) { issuer_.observe(exchange); });
    if (!server.has_value()) return std::unexpected(server.error());
    server_ = *std::move(server);
    bound_ = ListenAddress{.host = address.host, .port = server_->port()};

    const std::string path = database_path(config_);
    auto data = prepare_data(path, master_key_elsewhere());
    if (!data.has_value()) return std::unexpected(data.error());
    auto store = store::open_sqlite({.path = path, .clock = store_clock_});
    if (!store.has_value()) return std::unexpected(Fault{store.error().message, ""});
    store_ = *std::move(store);
    auto lock = DatabaseLock::take(path, DatabaseLock::Use::shared);
    if (!lock.has_value()) return std::unexpected(lock.error());
    lock_.emplace(*std::move(lock));
    if (auto known = check_history(*store_, path); !known.has_value()) return known;
    const auto started = issuer_.start(*store_, data->master_key,
                                       {.issuer_url = config_.issuer_url,
                                        .issuer_default = fmt::format("http://{}", bound_.text()),
                                        .store_name = path,
                                        .master_key_name = data->master_key_name});
    if (!started.has_value()) return started;
    if (auto prepared = issuer_.prepare_outgoing(*std::move(outgoing)); !prepared.has_value()) return prepared;
    return advance_history(*store_, path);
  }

  void run() {
    const platform::SignalThread signals({.stop = [this] { server_->stop(); }, .reload = [this] { reload(); }});
    console_.out << fmt::format("jeton {} serves http://{} (issuer {}, database {}). Ctrl-C stops it.\n", JETON_VERSION,
                                bound_.text(), issuer_.foundation().issuer, database_path(config_))
                 << std::flush;
    issuer_.start_outgoing();
    issuer_.start_feed([this] { mark_progress(); });
    issuer_.tend_keys();
    server_->run();
    issuer_.stop_tending_keys();
    issuer_.stop_feed();
    issuer_.stop_outgoing();
    if (!issuer_.has_gone_back()) mark_progress();
    platform::log_info("stopped");
  }

 private:
  void mark_progress() {
    if (const auto marked = advance_history(*store_, database_path(config_)); !marked.has_value()) {
      platform::log_warning("the start mark is not written", {{"reason", marked.error().text()}});
    }
  }

  void reload() {
    if (arguments_.config_path.empty()) {
      platform::log_info("nothing to reload", {{"reason", "no --config was given"}});
      return;
    }
    const auto fresh = effective_config(arguments_);
    if (!fresh.has_value()) {
      platform::log_error("configuration not reloaded, the old one stays", {{"reason", fresh.error().text()}});
      return;
    }
    issuer_.replace_rules(fresh->rules);
    platform::set_log_level(fresh->log_level);
    platform::log_info("configuration reloaded", {{"file", arguments_.config_path}});
    if (const std::string waiting = settings_that_need_a_restart(config_, *fresh); !waiting.empty()) {
      platform::log_warning("settings changed that need a restart", {{"settings", waiting}});
    }
  }

  const ServeArguments arguments_;
  const Config config_;
  Console& console_;
  const platform::SystemClock clock_;
  const StoreClock store_clock_;
  // In this order: what is below uses what is above, and ends before it.
  issuer::Issuer issuer_;
  std::optional<DatabaseLock> lock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<http::Server> server_;
  ListenAddress bound_;
};

void serve(const ServeArguments& arguments, Console& console) {
  if (arguments.print_config) {
    console.out << documented_config();
    return;
  }
  auto config = effective_config(arguments);
  if (!config.has_value()) return console.fail(config.error().text());
  const auto address = parse_listen_address(config->listen);
  if (!address.has_value()) return console.fail_usage(address.error().text());
  if (const std::string objection = objection_to_issuer_url(config->issuer_url);
      !config->issuer_url.empty() && !objection.empty()) {
    return console.fail_usage(fmt::format("--issuer {}: it {}.", config->issuer_url, objection));
  }
  // Neither a core file nor another process of this user gets to see the keys.
  platform::forbid_memory_dumps();
  platform::block_signals();
  platform::set_log_level(config->log_level);
  std::shared_ptr<const platform::PlaceFile> places;
  if (!config->places.empty()) {
    auto opened = platform::PlaceFile::open(config->places);
    if (!opened.has_value()) return console.fail(opened.error().text());
    places = *std::move(opened);
  }
  Service service(arguments, *std::move(config), std::move(places), console);
  if (const auto started = service.start(*address); !started.has_value()) return console.fail(started.error().text());
  service.run();
}

}  // namespace

void add_serve_command(CLI::App& app, Console& console) {
  auto* command = app.add_subcommand("serve", "Log people in, issue and refresh tokens, publish the keys");
  const auto arguments = std::make_shared<ServeArguments>();
  command->add_option("--listen", arguments->listen, "HOST:PORT to serve on (127.0.0.1:8080); port 0 is any free one")
      ->type_name("HOST:PORT");
  command
      ->add_option("--data", arguments->data,
                   "Directory of the database and master key; made at the first start (data)")
      ->type_name("DIR");
  command->add_option("--config", arguments->config_path, "Configuration file; every setting has a default")
      ->type_name("FILE");
  command
      ->add_option("--issuer", arguments->issuer_url,
                   "Who the tokens come from; fixed at the first start (http://HOST:PORT)")
      ->type_name("URL");
  command->add_flag("--print-config", arguments->print_config,
                    "Write a configuration file with every setting explained, and end");
  command->footer("jeton serve --listen 127.0.0.1:8080 --data data");
  command->callback([arguments, &console] { serve(*arguments, console); });
}

}  // namespace jeton::cli
