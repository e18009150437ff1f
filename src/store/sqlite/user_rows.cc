#include "store/sqlite/user_rows.h"

namespace jeton::store::sqlite {

User user_at(const Statement& row, int first_column) {
  return {.sub = row.text_at(first_column),
          .email = row.text_at(first_column + 1),
          .password_hash = row.text_at(first_column + 2),
          .claims_json = row.text_at(first_column + 3),
          .security_epoch = row.integer_at(first_column + 4),
          .version = row.integer_at(first_column + 5),
          .disabled = row.integer_at(first_column + 6) != 0,
          .created_at = row.time_at(first_column + 7),
          .email_verified = row.integer_at(first_column + 8) != 0};
}

}  // namespace jeton::store::sqlite
