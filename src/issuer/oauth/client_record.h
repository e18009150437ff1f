// What a client may be registered with: the one place that says so, for the command line and for management over HTTP.
#pragma once

#include "store/clients.h"

#include <expected>
#include <optional>
#include <string>

namespace jeton::issuer {

// As an operator gives it. Lists are words separated by single spaces.
struct ClientDraft {
  std::string id{};    // empty: a random one
  std::string name{};  // empty: the id
  bool is_public = false;
  bool trusted = false;
  std::string jwks{};  // then it authenticates with its keys, and gets no secret
  std::string grants{}, scopes{}, audiences{};
  std::string claims_json = "{}";
  std::string algorithm{};  // of its access tokens; empty: the issuer's own
};

struct NewClient {
  store::Client row;
  std::string secret;  // to be shown once and never again; empty for public clients and those with keys
};

// The record, or what is wrong with the draft, in one sentence for whoever wrote it.
std::expected<NewClient, std::string> client_from(const ClientDraft& draft);

// What is wrong with a change of that client; empty if it may be made.
std::string objection_to_change(const store::Client& client, const store::ClientChange& change);

// A fresh secret of 256 bits, with a prefix by which scanners for leaked secrets find it, and what is stored of it.
struct ClientSecret {
  std::string text;
  store::Digest hash;
};
ClientSecret new_client_secret();

}  // namespace jeton::issuer
