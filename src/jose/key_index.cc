#include "jose/key_index.h"

#include "jose/base64url.h"
#include "jose/try.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace jeton::jose {
namespace {

constexpr std::size_t signature_bytes_most = 8192 / 8;

std::string join_names(const std::vector<Algorithm>& algorithms) {
  std::string text;
  for (const Algorithm algorithm : algorithms) {
    if (!text.empty()) text += " or ";
    text += name_of(algorithm);
  }
  return text;
}

// Headers of one issuer differ in their `kid`, wherever it stands: so all of the segment counts.
std::size_t place_of(std::string_view segment) noexcept {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  std::uint64_t sum = segment.size(), word = 0;
  for (; segment.size() >= sizeof word; segment.remove_prefix(sizeof word)) {
    std::memcpy(&word, segment.data(), sizeof word);
    sum = std::rotl(sum, 27) ^ word * odd;
  }
  for (const char c : segment) sum = std::rotl(sum, 8) ^ static_cast<unsigned char>(c);
  return static_cast<std::size_t>(sum * odd >> 56);
}

}  // namespace

KeyIndex::KeyIndex(std::vector<KeySource> sources, std::uint32_t candidates_max)
    : sources_(std::move(sources)),
      candidates_max_(std::min<std::uint32_t>(candidates_max, Found{}.candidates_.size())) {
  for (std::uint32_t i = 0; i < sources_.size(); ++i) {
    const KeySet& keys = sources_[i].keys;
    for (const KeySet::Entry& entry : keys.entries()) {
      every_.push_back({i, &entry});
      if (!entry.kid.empty())
        by_kid_[entry.kid].push_back({i, &entry});
      else if (keys.was_single_jwk())
        any_kid_.push_back({i, &entry});
    }
  }
}

Result<const VerificationKey*> KeyIndex::usable_key(const Place& place, const Header& header) const {
  const KeySource& source = sources_[place.source];
  if (!source.algorithms.admits(header.algorithm)) {
    return std::unexpected(Error{Errc::algorithm_not_allowed, "alg", join_names(source.algorithms.listed())});
  }
  if (!place.entry->refusal.empty()) return std::unexpected(place.entry->refusal.front());
  const auto& keys = place.entry->keys;
  const auto key = std::ranges::find(keys, header.algorithm, &VerificationKey::algorithm);
  if (key == keys.end())
    return std::unexpected(Error{Errc::algorithm_not_allowed, "alg", join_names(place.entry->algorithms)});
  if (!source.typ.accepts_any() && !(header.has_typ && is_typ(header.typ, source.typ.expected()))) {
    return std::unexpected(Error{Errc::wrong_typ, "typ", source.typ.expected()});
  }
  return &*key;
}

Result<KeyIndex::Found> KeyIndex::find(const Header& header) const {
  if (!header.has_kid) return find_without_kid(header);
  Found found;
  std::uint32_t seen = 0;
  Error refusal{Errc::unknown_key, "kid"};
  const auto consider = [&](const Place& place) {
    auto key = usable_key(place, header);
    if (key)
      found.candidates_[found.size_++] = {place.source, *key};
    else if (seen == 1)
      refusal = std::move(key).error();
  };
  if (const auto named = by_kid_.find(header.kid); named != by_kid_.end()) {
    for (const Place& place : named->second) {
      if (++seen > candidates_max_) return std::unexpected(Error{Errc::ambiguous_key, "kid"});
      consider(place);
    }
  }
  for (const Place& place : any_kid_) {
    if (++seen > candidates_max_) return std::unexpected(Error{Errc::ambiguous_key, "kid"});
    consider(place);
  }
  if (found.size_ == 0) return std::unexpected(std::move(refusal));
  return found;
}

Result<const KeyIndex::Found*> KeyIndex::find(std::string_view header_segment, const Limits& limits,
                                              std::uint64_t generation) const {
  struct Answer {
    std::uint64_t generation = 0;  // none
    std::string segment;
    Found found;
  };
  constexpr std::size_t answers_max = 16;
  thread_local std::array<Answer, answers_max> answers;
  Answer& place = answers[place_of(header_segment) % answers_max];
  if (place.generation == generation && place.segment == header_segment) return &place.found;
  TRY(const Header header, read_header(header_segment, thread_scratch(), limits));
  TRY(const Found found, find(header));
  place.generation = 0;  // should there be no memory for the segment
  place.segment = header_segment;
  place.found = found;
  place.generation = generation;
  return &place.found;
}

// Without a `kid` exactly one key may fit: trying several would let a forger choose how much work is done.
Result<KeyIndex::Found> KeyIndex::find_without_kid(const Header& header) const {
  Found found;
  Error refusal{Errc::unknown_key, "kid"};
  for (const Place& place : every_) {
    auto key = usable_key(place, header);
    if (!key) {
      // A key that would fit but for the `typ`, or the only key there is, says more than that none fits.
      if (every_.size() == 1 || key.error().code == Errc::wrong_typ) refusal = std::move(key).error();
      continue;
    }
    if (found.size_ == 1) return std::unexpected(Error{Errc::ambiguous_key, "kid"});
    found.candidates_[found.size_++] = {place.source, *key};
  }
  if (found.size_ == 0) return std::unexpected(std::move(refusal));
  return found;
}

Result<Candidate> KeyIndex::verify(const Compact& compact, const Found& found) const {
  // The exact length is tested before anything is decoded (RFC 7518 section 3); so the buffer cannot overflow.
  std::array<std::byte, signature_bytes_most> signature;
  bool decoded = false;
  for (const Candidate& candidate : found.candidates()) {
    const crypto::PublicKey& key = KeyParts::crypto_key(*candidate.key);
    const std::size_t bytes = key.signature_bytes();
    if (compact.signature.size() != base64url::encoded_size(bytes) || bytes > signature.size()) continue;
    if (!decoded && !base64url::decode(compact.signature, signature.data())) break;
    decoded = true;
    if (key.verify(compact.signing_input, std::span(signature).first(bytes))) return candidate;
  }
  // A second spelling of a good token is a fault of form, not of the signature.
  if (!base64url::is_canonical(compact.signature) || !base64url::is_canonical(compact.payload)) {
    return std::unexpected(Error{Errc::bad_base64url});
  }
  return std::unexpected(Error{Errc::bad_signature});
}

}  // namespace jeton::jose
