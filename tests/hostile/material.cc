#include "material.h"

#include "key_ring.h"

#include "crypto/key.h"
#include "jose/base64url.h"

#include <array>
#include <stdexcept>
#include <vector>

namespace jeton::hostile {
namespace {

std::string text_of(const crypto::Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

crypto::PublicMaterial public_half(std::string_view name) { return crypto::public_part(KeyRing::shared().key(name)); }

template <class Kind>
Kind public_half_as(std::string_view name) {
  const auto material = public_half(name);
  if (const Kind* kind = std::get_if<Kind>(&material)) return *kind;
  throw std::runtime_error(std::string(name) + " is a key of another type");
}

// DER (X.690), as much as a SubjectPublicKeyInfo needs.
std::string der(int tag, std::string content) {
  std::string out(1, static_cast<char>(tag));
  if (content.size() < 0x80) {
    out += static_cast<char>(content.size());
  } else if (content.size() < 0x100) {
    out += {'\x81', static_cast<char>(content.size())};
  } else {
    out += {'\x82', static_cast<char>(content.size() >> 8), static_cast<char>(content.size() & 0xFF)};
  }
  return out + content;
}

std::string der_integer(std::string bytes) {
  if (!bytes.empty() && (bytes[0] & 0x80)) bytes.insert(bytes.begin(), '\0');
  return der(0x02, std::move(bytes));
}

std::string point_of(std::string_view name) {
  const auto ec = public_half_as<crypto::EcPublic>(name);
  return "\x04" + text_of(ec.x) + text_of(ec.y);
}

std::string public_der(std::string_view name) {
  const auto material = public_half(name);
  const auto info = [](std::string_view algorithm, std::string key) {
    return der(0x30, der(0x30, from_hex(algorithm)) + der(0x03, std::string(1, '\0') + std::move(key)));
  };
  if (const auto* rsa = std::get_if<crypto::RsaPublic>(&material)) {
    return info("06092a864886f70d0101010500", der(0x30, der_integer(text_of(rsa->n)) + der_integer(text_of(rsa->e))));
  }
  if (const auto* okp = std::get_if<crypto::OkpPublic>(&material)) return info("06032b6570", text_of(okp->x));
  switch (std::get<crypto::EcPublic>(material).curve) {
    case crypto::Curve::p256: return info("06072a8648ce3d020106082a8648ce3d030107", point_of(name));
    case crypto::Curve::p384: return info("06072a8648ce3d020106052b81040022", point_of(name));
    default: return info("06072a8648ce3d020106052b81040023", point_of(name));
  }
}

std::string base64(std::string_view bytes) {
  std::string out = jose::base64url::encode(bytes);
  for (char& c : out) c = c == '-' ? '+' : c == '_' ? '/' : c;
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case '0': out += '\0'; break;
      default: out += text[i];
    }
  }
  return out;
}

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

std::string call(std::string_view function, std::string_view argument) {
  const std::string_view key = without_suffix(argument, ".pub");
  if (function == "x") {
    const auto material = public_half(key);
    const auto* ec = std::get_if<crypto::EcPublic>(&material);
    return ec ? text_of(ec->x) : text_of(std::get<crypto::OkpPublic>(material).x);
  }
  if (function == "y") return text_of(public_half_as<crypto::EcPublic>(key).y);
  if (function == "n") return text_of(public_half_as<crypto::RsaPublic>(key).n);
  if (function == "e") return text_of(public_half_as<crypto::RsaPublic>(key).e);
  if (function == "point") return point_of(key);
  if (function == "der") return public_der(key);
  if (function == "pem") return public_pem(key);
  if (function == "jwk") return jwk_of(key);
  if (function == "hex") return from_hex(argument);
  if (function == "zero") return std::string(std::stoul(std::string(argument)), '\0');
  throw std::runtime_error("no such material: " + std::string(function));
}

bool is_call(std::string_view term) {
  const auto open = term.find('(');
  if (open == std::string_view::npos || open == 0 || !term.ends_with(')')) return false;
  return term.substr(0, open).find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos;
}

std::string term_bytes(std::string_view term) {
  if (!is_call(term)) return unescaped(term);
  const auto open = term.find('(');
  return call(term.substr(0, open), term.substr(open + 1, term.size() - open - 2));
}

}  // namespace

std::string from_hex(std::string_view hex) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    throw std::runtime_error("not hexadecimal");
  };
  if (hex.size() % 2 != 0) throw std::runtime_error("half a byte of hexadecimal");
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2) out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return out;
}

std::string bytes_of(std::string_view expression) {
  // A text with a `+` of its own (PEM) is written as one term and is not cut: only calls and what stands beside them
  // are.
  std::string out;
  while (true) {
    const auto plus = expression.find('+');
    const std::string_view rest = plus == std::string_view::npos ? std::string_view{} : expression.substr(plus + 1);
    const bool cut = plus != std::string_view::npos &&
                     (is_call(expression.substr(0, plus)) || is_call(rest.substr(0, rest.find('+'))));
    if (!cut) return out + term_bytes(expression);
    out += term_bytes(expression.substr(0, plus));
    expression = rest;
  }
}

std::string with_material(std::string_view text) {
  std::string out;
  for (auto at = text.find("${"); at != std::string_view::npos; at = text.find("${")) {
    const auto end = text.find('}', at);
    if (end == std::string_view::npos) throw std::runtime_error("unfinished ${");
    out.append(text.substr(0, at));
    out.append(jose::base64url::encode(bytes_of(text.substr(at + 2, end - at - 2))));
    text.remove_prefix(end + 1);
  }
  return out.append(text);
}

std::string public_pem(std::string_view key_name) {
  const std::string body = base64(public_der(key_name));
  std::string out = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t i = 0; i < body.size(); i += 64) out.append(body, i, 64).append("\n");
  return out + "-----END PUBLIC KEY-----\n";
}

std::string jwk_of(std::string_view key_name) {
  const auto material = public_half(key_name);
  const auto member = [](std::string_view name, const crypto::Bytes& value) {
    return ",\"" + std::string(name) + "\":\"" + jose::base64url::encode(value) + "\"";
  };
  if (const auto* rsa = std::get_if<crypto::RsaPublic>(&material)) {
    return R"({"kty":"RSA")" + member("n", rsa->n) + member("e", rsa->e) + "}";
  }
  if (const auto* okp = std::get_if<crypto::OkpPublic>(&material)) {
    return R"({"kty":"OKP","crv":"Ed25519")" + member("x", okp->x) + "}";
  }
  const auto& ec = std::get<crypto::EcPublic>(material);
  constexpr std::array curves{"P-256", "P-384", "P-521"};
  return R"({"kty":"EC","crv":")" + std::string(curves[static_cast<std::size_t>(ec.curve)]) + "\"" + member("x", ec.x) +
         member("y", ec.y) + "}";
}

}  // namespace jeton::hostile
