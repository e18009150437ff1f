#include "issuer/admin/admin.h"

namespace jeton::issuer {

void add_admin_routes(const AddRoute& add) {
  using enum http::Method;
  add(post, "/api/admin/sessions", answer_session_for);
  add(get, "/api/admin/users", answer_users);
  add(post, "/api/admin/users", answer_create_user);
  add(get, "/api/admin/users/{sub}", answer_user);
  add(del, "/api/admin/users/{sub}", answer_erase_user);
  add(get, "/api/admin/users/{sub}/export", answer_user_export);
  add(put, "/api/admin/users/{sub}/claims", answer_set_claims);
  add(post, "/api/admin/users/{sub}/disable", answer_disable_user);
  add(post, "/api/admin/users/{sub}/enable", answer_enable_user);
  add(post, "/api/admin/users/{sub}/end-sessions", answer_end_sessions_of);
  add(get, "/api/admin/users/{sub}/sessions", answer_sessions_of);
  add(del, "/api/admin/users/{sub}/sessions/{sid}", answer_end_session_of);
  add(put, "/api/admin/users/{sub}/password", answer_set_password);
  add(get, "/api/admin/keys", answer_keys);
  add(post, "/api/admin/keys/rotate", answer_rotate_key);
  add(post, "/api/admin/keys/{kid}/revoke", answer_revoke_key);
  add(get, "/api/admin/audit", answer_audit);
  add(get, "/api/admin/clients", answer_clients);
  add(post, "/api/admin/clients", answer_create_client);
  add(get, "/api/admin/clients/{id}", answer_client);
  add(patch, "/api/admin/clients/{id}", answer_change_client);
  add(post, "/api/admin/clients/{id}/rotate-secret", answer_rotate_client_secret);
  add(post, "/api/admin/clients/{id}/disable", answer_disable_client);
  add(post, "/api/admin/clients/{id}/enable", answer_enable_client);
  add(get, "/openapi.json", answer_openapi);
}

}  // namespace jeton::issuer
