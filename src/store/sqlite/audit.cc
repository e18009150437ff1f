#include "store/sqlite/audit.h"

#include <string>
#include <utility>

namespace jeton::store::sqlite {
namespace {

const std::string kAppend = "INSERT INTO audit(at, kind, sub, sid, detail) VALUES(jeton_now_ms(), ?, ?, ?, ?)";

}  // namespace

void append_audit(Connection& db, const AuditEvent& event) {
  auto insert = db.query(kAppend);
  insert.text(event.kind).text_or_null(event.sub);
  if (event.sid) {
    insert.blob(*event.sid);
  } else {
    insert.null();
  }
  insert.text_or_null(event.detail).run();
}

std::string_view to_text(EndReason reason) {
  switch (reason) {
    case EndReason::logout: return "logout";
    case EndReason::reuse: return "reuse";
    case EndReason::password_changed: return "password_changed";
    case EndReason::user_disabled: return "user_disabled";
    case EndReason::revoked: return "revoked";
    case EndReason::expired: return "expired";
    case EndReason::store_went_back: return "store_went_back";
    case EndReason::suspicion: return "suspicion";
    case EndReason::session_cap: return "session_cap";
  }
  std::unreachable();
}

}  // namespace jeton::store::sqlite
