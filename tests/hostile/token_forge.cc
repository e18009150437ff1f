#include "token_forge.h"

#include "key_ring.h"
#include "material.h"

#include "crypto/mac.h"
#include "jose/base64url.h"

#include <jeton/secret.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <vector>

namespace jeton::hostile {
namespace {

constexpr std::string_view p256_order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct Parts {
  std::string header, payload, signature;  // base64url

  std::string& part(std::size_t number) { return number == 0 ? header : number == 1 ? payload : signature; }
  std::string compact() const { return header + "." + payload + "." + signature; }
};

std::string encode(std::string_view bytes) { return jose::base64url::encode(bytes); }

std::string decode(std::string_view text) {
  const auto bytes = jose::base64url::decode(text);
  if (!bytes) throw std::runtime_error("a change needs a readable part");
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

std::size_t number_of(std::string_view text) { return std::stoul(std::string(text)); }

std::string signature_by(std::string_view signer, std::string_view input) {
  if (signer == "empty") return {};
  const auto colon = signer.find(':');
  const std::string_view kind = signer.substr(0, colon);
  const std::string_view argument = colon == std::string_view::npos ? std::string_view{} : signer.substr(colon + 1);
  if (kind == "hex") return from_hex(argument);
  if (kind == "hmac") {
    const std::string secret = bytes_of(argument);
    const auto mac = crypto::hmac_sha256(SecretBytes::from_text(secret), {std::as_bytes(std::span(input))});
    return {reinterpret_cast<const char*>(mac.data()), mac.size()};
  }
  const auto algorithm = algorithm_named(kind);
  if (!algorithm) throw std::runtime_error("no signer " + std::string(signer));
  return KeyRing::shared().sign(argument, *algorithm, input);
}

// n - s, both big-endian of the same length, s below n.
std::string difference(std::string_view n, std::string_view s) {
  std::string out(n.size(), '\0');
  int borrow = 0;
  for (std::size_t i = n.size(); i-- > 0;) {
    int digit = static_cast<unsigned char>(n[i]) - static_cast<unsigned char>(s[i]) - borrow;
    borrow = digit < 0;
    out[i] = static_cast<char>(digit + (borrow ? 256 : 0));
  }
  return out;
}

std::string der_signature(std::string_view signature) {
  const auto integer = [](std::string_view number) {
    number.remove_prefix(std::min(number.find_first_not_of('\0'), number.size() - 1));
    std::string content((number[0] & 0x80) ? 1 : 0, '\0');
    content += number;
    return std::string{'\x02', static_cast<char>(content.size())} + content;
  };
  const std::string both =
      integer(signature.substr(0, signature.size() / 2)) + integer(signature.substr(signature.size() / 2));
  return std::string{'\x30', static_cast<char>(both.size())} + both;
}

// The signature of high S if it is of low S, and the other way round.
std::string twin_of(const std::string& signature) {
  return signature.substr(0, 32) + difference(from_hex(p256_order), signature.substr(32));
}

std::string high_twin_of(const std::string& signature) {
  const std::string order = from_hex(p256_order);
  const auto at = [](const std::string& text, std::size_t i) { return static_cast<unsigned char>(text[i]); };
  // Half the order begins with 7fffffff80…: the first byte of s tells high from low all but one time in 2^32.
  return at(signature, 32) < 0x80 ? signature.substr(0, 32) + difference(order, signature.substr(32)) : signature;
}

void set_unused_bit(std::string& part) {
  if (part.size() % 4 == 0 || part.empty()) throw std::runtime_error("no unused bits in that part");
  part.back() = alphabet[alphabet.find(part.back()) | 1];
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  if (at == std::string::npos) throw std::runtime_error("nothing to replace");
  return text.replace(at, what.size(), by);
}

void change_signature(Parts& parts, const std::function<std::string(std::string)>& change) {
  parts.signature = encode(change(decode(parts.signature)));
}

std::string half(std::string_view hex) { return from_hex(hex == "n" ? p256_order : hex); }

// Changes within one part; false if `name` is none.
bool change_part(Parts& parts, std::string_view name, std::string_view argument) {
  if (name == "pad") {
    std::string& part = parts.part(number_of(argument));
    part.append(part.size() % 4 == 0 ? 1 : 4 - part.size() % 4, '=');
  } else if (name == "ins") {
    std::string& part = parts.part(number_of(argument.substr(0, 1)));
    part.insert(part.size() / 2, bytes_of(argument.substr(2)));
  } else if (name == "len1") {
    std::string& part = parts.part(number_of(argument));
    do part += 'A';
    while (part.size() % 4 != 1);
  } else if (name == "trailbits") {
    set_unused_bit(parts.part(number_of(argument)));
  } else if (name == "drop") {
    parts.part(number_of(argument)).clear();
  } else if (name == "pl_swap") {
    parts.payload = encode(replaced(decode(parts.payload), "\"u1\"", "\"u2\""));
  } else {
    return false;
  }
  return true;
}

bool change_of_signature(Parts& parts, std::string_view name, std::string_view argument) {
  if (name == "sig_flip") {
    change_signature(parts, [](std::string s) {
      s[s.size() / 2] ^= 1;
      return s;
    });
  } else if (name == "sig_cut") {
    change_signature(parts, [&](std::string s) { return s.substr(0, s.size() - number_of(argument)); });
  } else if (name == "sig_add") {
    change_signature(parts, [&](std::string s) { return s + std::string(number_of(argument), '\0'); });
  } else if (name == "sig_der") {
    change_signature(parts, der_signature);
  } else if (name == "sig_r") {
    change_signature(parts, [&](std::string s) { return half(argument) + s.substr(32); });
  } else if (name == "sig_s") {
    change_signature(parts, [&](std::string s) { return s.substr(0, 32) + half(argument); });
  } else if (name == "ecdsa_high_s") {
    change_signature(parts, high_twin_of);
  } else if (name == "ecdsa_twin") {
    change_signature(parts, twin_of);
  } else {
    return false;
  }
  return true;
}

std::string changed_as_a_whole(const Parts& parts, std::string_view name, std::string_view argument) {
  const std::string token = parts.compact();
  if (name == "cut_sig_and_dot") return parts.header + "." + parts.payload;
  if (name == "lead_dot") return "." + token;
  if (name == "trail_dot") return token + ".";
  if (name == "double_dot") return parts.header + ".." + parts.payload + "." + parts.signature;
  if (name == "append_a") return token + std::string(number_of(argument), 'A');
  if (name == "append") return token + bytes_of(argument);
  if (name == "prepend") return bytes_of(argument) + token;
  if (name == "token") return bytes_of(argument);
  if (name == "json") {
    return R"({"payload":")" + parts.payload + R"(","protected":")" + parts.header + R"(","signature":")" +
           parts.signature + "\"}";
  }
  throw std::runtime_error("no change " + std::string(name));
}

}  // namespace

std::string forge_token(const Case& hostile) {
  const auto text_or = [&](std::string_view name, std::string_view otherwise) {
    const std::string* text = hostile.text(name);
    return text ? *text : std::string(otherwise);
  };
  const std::string change = text_or("m", "");
  const auto colon = change.find(':');
  const std::string name = change.substr(0, colon);
  const std::string argument = colon == std::string::npos ? "" : change.substr(colon + 1);

  std::string payload = text_or("p", usual_payload);
  if (name == "pl_byte_ff") payload = replaced(payload, "\"u1\"", "\"u\xFF\"");
  if (name == "pl_hex") payload = replaced(payload, "\"u1\"", "\"" + from_hex(argument) + "\"");
  Parts parts{encode(text_or("h", usual_header)), encode(payload), {}};
  parts.signature = encode(signature_by(text_or("s", "ES256:EC1"), parts.header + "." + parts.payload));
  if (change.empty() || name == "pl_byte_ff" || name == "pl_hex") return parts.compact();
  if (change_part(parts, name, argument) || change_of_signature(parts, name, argument)) return parts.compact();
  return changed_as_a_whole(parts, name, argument);
}

}  // namespace jeton::hostile
