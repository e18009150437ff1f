#include "store/conformance/harness.h"

namespace jeton::store::conformance {

Result<Registration> Waiting::register_user(NewUser user) {
  return outcome_of<Registration>([&](auto done) { store_->users().register_user(std::move(user), std::move(done)); });
}

Result<std::optional<User>> Waiting::find_by_email(std::string email_key) {
  return outcome_of<std::optional<User>>(
      [&](auto done) { store_->users().find_by_email(std::move(email_key), std::move(done)); });
}

Result<std::optional<User>> Waiting::find_by_sub(std::string sub) {
  return outcome_of<std::optional<User>>(
      [&](auto done) { store_->users().find_by_sub(std::move(sub), std::move(done)); });
}

Result<bool> Waiting::upgrade_password_hash(std::string sub, std::string old_hash, std::string new_hash) {
  return outcome_of<bool>([&](auto done) {
    store_->users().upgrade_password_hash(std::move(sub), std::move(old_hash), std::move(new_hash), std::move(done));
  });
}

Result<bool> Waiting::change_password(std::string sub, std::string new_hash, std::optional<Sid> keep) {
  return outcome_of<bool>(
      [&](auto done) { store_->users().change_password(std::move(sub), std::move(new_hash), keep, std::move(done)); });
}

Result<OwnPasswordOutcome> Waiting::change_own_password(OwnPasswordChange change) {
  return outcome_of<OwnPasswordOutcome>(
      [&](auto done) { store_->users().change_own_password(std::move(change), std::move(done)); });
}

Result<bool> Waiting::set_disabled(std::string sub, bool disabled) {
  return outcome_of<bool>([&](auto done) { store_->users().set_disabled(std::move(sub), disabled, std::move(done)); });
}

Result<bool> Waiting::set_claims(std::string sub, std::string claims_json) {
  return outcome_of<bool>(
      [&](auto done) { store_->users().set_claims(std::move(sub), std::move(claims_json), std::move(done)); });
}

Result<SignInOutcome> Waiting::sign_in(SignIn request) {
  return outcome_of<SignInOutcome>([&](auto done) { store_->sessions().sign_in(std::move(request), std::move(done)); });
}

Result<Rotation> Waiting::rotate(RotateRequest request) {
  return outcome_of<Rotation>([&](auto done) { store_->sessions().rotate(std::move(request), std::move(done)); });
}

Result<bool> Waiting::end_session(const Sid& sid, EndReason reason) {
  return outcome_of<bool>([&](auto done) { store_->sessions().end_session(sid, reason, std::move(done)); });
}

Result<std::int64_t> Waiting::end_all_sessions(std::string sub, EndReason reason) {
  return outcome_of<std::int64_t>(
      [&](auto done) { store_->sessions().end_all_sessions(std::move(sub), reason, std::move(done)); });
}

Result<SessionStory> Waiting::story_of(const Sid& sid) {
  return outcome_of<SessionStory>([&](auto done) { store_->sessions().story_of(sid, std::move(done)); });
}
Result<std::vector<Session>> Waiting::live_sessions_of(std::string sub) {
  return outcome_of<std::vector<Session>>(
      [&](auto done) { store_->sessions().live_sessions_of(std::move(sub), std::move(done)); });
}
Result<bool> Waiting::end_own_session(std::string sub, const Sid& sid, EndReason reason) {
  return outcome_of<bool>(
      [&](auto done) { store_->sessions().end_own_session(std::move(sub), sid, reason, std::move(done)); });
}
Result<std::int64_t> Waiting::end_other_sessions(std::string sub, const Sid& keep, EndReason reason) {
  return outcome_of<std::int64_t>(
      [&](auto done) { store_->sessions().end_other_sessions(std::move(sub), keep, reason, std::move(done)); });
}
Result<DeviceSweep> Waiting::forget_devices(StoreTime time, std::int64_t place, std::size_t looked_at_max,
                                            std::size_t changed_max) {
  return outcome_of<DeviceSweep>(
      [&](auto done) { store_->sessions().forget_devices(time, place, looked_at_max, changed_max, std::move(done)); });
}
Result<std::optional<Session>> Waiting::find_session(const Sid& sid) {
  return outcome_of<std::optional<Session>>([&](auto done) { store_->sessions().find_session(sid, std::move(done)); });
}

Result<KeptElsewhere> Waiting::keep_user_elsewhere(UserElsewhere user) {
  return outcome_of<KeptElsewhere>(
      [&](auto done) { store_->users().keep_user_elsewhere(std::move(user), std::move(done)); });
}

Result<std::vector<User>> Waiting::list_users(std::string after, std::size_t count) {
  return outcome_of<std::vector<User>>(
      [&](auto done) { store_->users().list_users(std::move(after), count, std::move(done)); });
}

Result<std::optional<HeldOfUser>> Waiting::read_all_of_user(std::string sub) {
  return outcome_of<std::optional<HeldOfUser>>(
      [&](auto done) { store_->users().read_all_of_user(std::move(sub), std::move(done)); });
}

Result<bool> Waiting::erase_user(std::string sub) {
  return outcome_of<bool>([&](auto done) { store_->users().erase_user(std::move(sub), std::move(done)); });
}

Result<bool> Waiting::find_revoked_token(std::string jti) {
  return outcome_of<bool>(
      [&](auto done) { store_->revocations().find_revoked_token(std::move(jti), std::move(done)); });
}

Result<ClientAddition> Waiting::add_client(Client client) {
  return outcome_of<ClientAddition>(
      [&](auto done) { store_->clients().add_client(std::move(client), std::move(done)); });
}

Result<std::optional<Client>> Waiting::find_client(std::string id) {
  return outcome_of<std::optional<Client>>(
      [&](auto done) { store_->clients().find_client(std::move(id), std::move(done)); });
}

Result<std::vector<Client>> Waiting::list_clients(std::string after, std::size_t count) {
  return outcome_of<std::vector<Client>>(
      [&](auto done) { store_->clients().list_clients(std::move(after), count, std::move(done)); });
}

Result<std::optional<Client>> Waiting::change_client(std::string id, ClientChange change) {
  return outcome_of<std::optional<Client>>(
      [&](auto done) { store_->clients().change_client(std::move(id), std::move(change), std::move(done)); });
}

Result<bool> Waiting::set_client_disabled(std::string id, bool disabled) {
  return outcome_of<bool>(
      [&](auto done) { store_->clients().set_client_disabled(std::move(id), disabled, std::move(done)); });
}

Result<bool> Waiting::replace_secret(std::string id, const Digest& hash, std::chrono::milliseconds overlap) {
  return outcome_of<bool>(
      [&](auto done) { store_->clients().replace_secret(std::move(id), hash, overlap, std::move(done)); });
}

Result<Admission> Waiting::admit_assertion(AssertionUse use, std::size_t uses_max) {
  return outcome_of<Admission>([&](auto done) { store_->clients().admit_assertion(use, uses_max, std::move(done)); });
}

Result<KeySetView> Waiting::read_keys() {
  return outcome_of<KeySetView>([&](auto done) { store_->signing_keys().read_keys(std::move(done)); });
}

Result<KeySetView> Waiting::report_node(NodeReport report) {
  return outcome_of<KeySetView>(
      [&](auto done) { store_->signing_keys().report_node(std::move(report), std::move(done)); });
}

Result<KeyChange> Waiting::advance_keys(std::int64_t version, std::vector<KeyStep> steps) {
  return outcome_of<KeyChange>(
      [&](auto done) { store_->signing_keys().advance_keys(version, std::move(steps), std::move(done)); });
}

Result<bool> Waiting::forget_node(std::string id) {
  return outcome_of<bool>([&](auto done) { store_->signing_keys().forget_node(std::move(id), std::move(done)); });
}

Result<KeyChange> Waiting::import_key(StoredKey key) {
  return outcome_of<KeyChange>([&](auto done) { store_->signing_keys().import_key(std::move(key), std::move(done)); });
}

Result<KeyChange> Waiting::rotate_key(std::string algorithm) {
  return outcome_of<KeyChange>(
      [&](auto done) { store_->signing_keys().rotate_key(std::move(algorithm), std::move(done)); });
}

Result<KeyChange> Waiting::revoke_key(std::string kid) {
  return outcome_of<KeyChange>([&](auto done) { store_->signing_keys().revoke_key(std::move(kid), std::move(done)); });
}

Result<std::map<std::string, std::string>> Waiting::settle(std::map<std::string, std::string> defaults) {
  return outcome_of<std::map<std::string, std::string>>(
      [&](auto done) { store_->settings().settle(std::move(defaults), std::move(done)); });
}

Result<std::vector<bool>> Waiting::import_users(std::vector<ImportedUser> users) {
  return outcome_of<std::vector<bool>>(
      [&](auto done) { store_->users().import_users(std::move(users), std::move(done)); });
}

Result<LinkOutcome> Waiting::make_link(NewLink link) {
  return outcome_of<LinkOutcome>(
      [&](auto done) { store_->one_time_links().make_link(std::move(link), std::move(done)); });
}

Result<std::optional<std::string>> Waiting::find_link(LinkPurpose purpose, const Digest& hash) {
  return outcome_of<std::optional<std::string>>(
      [&](auto done) { store_->one_time_links().find_link(purpose, hash, std::move(done)); });
}

Result<std::optional<std::string>> Waiting::verify_email(const Digest& hash) {
  return outcome_of<std::optional<std::string>>(
      [&](auto done) { store_->one_time_links().verify_email(hash, std::move(done)); });
}

Result<std::optional<std::string>> Waiting::reset_password(const Digest& hash, std::string new_hash) {
  return outcome_of<std::optional<std::string>>(
      [&](auto done) { store_->one_time_links().reset_password(hash, std::move(new_hash), std::move(done)); });
}

Result<std::optional<SecondFactor>> Waiting::find_factor(std::string sub) {
  return outcome_of<std::optional<SecondFactor>>(
      [&](auto done) { store_->second_factors().find_factor(std::move(sub), std::move(done)); });
}

Result<bool> Waiting::begin_factor(std::string sub, std::vector<std::byte> sealed) {
  return outcome_of<bool>(
      [&](auto done) { store_->second_factors().begin_factor(std::move(sub), std::move(sealed), std::move(done)); });
}

Result<bool> Waiting::confirm_factor(std::string sub, std::vector<std::byte> sealed, std::int64_t step,
                                     std::vector<Digest> codes) {
  return outcome_of<bool>([&](auto done) {
    store_->second_factors().confirm_factor(std::move(sub), std::move(sealed), step, std::move(codes), std::move(done));
  });
}

Result<bool> Waiting::take_try(std::string sub, std::int64_t tries, std::chrono::milliseconds window) {
  return outcome_of<bool>(
      [&](auto done) { store_->second_factors().take_try(std::move(sub), tries, window, std::move(done)); });
}

Result<bool> Waiting::use_step(std::string sub, std::int64_t step) {
  return outcome_of<bool>([&](auto done) { store_->second_factors().use_step(std::move(sub), step, std::move(done)); });
}

Result<bool> Waiting::use_recovery_code(std::string sub, const Digest& hash) {
  return outcome_of<bool>(
      [&](auto done) { store_->second_factors().use_recovery_code(std::move(sub), hash, std::move(done)); });
}

Result<bool> Waiting::remove_factor(std::string sub) {
  return outcome_of<bool>([&](auto done) { store_->second_factors().remove_factor(std::move(sub), std::move(done)); });
}

Result<bool> Waiting::want_events(bool wanted) {
  return outcome_of<bool>([&](auto done) { store_->outbox().want_events(wanted, std::move(done)); });
}

Result<std::optional<StoreTime>> Waiting::next_due(Channel channel) {
  return outcome_of<std::optional<StoreTime>>([&](auto done) { store_->outbox().next_due(channel, std::move(done)); });
}

Result<std::vector<OutboxMessage>> Waiting::claim(Channel channel, std::size_t count, std::chrono::milliseconds lease) {
  return outcome_of<std::vector<OutboxMessage>>(
      [&](auto done) { store_->outbox().claim(channel, count, lease, std::move(done)); });
}

Result<bool> Waiting::delivered(const OutboxMessage& message) {
  return outcome_of<bool>(
      [&](auto done) { store_->outbox().delivered(message.id, message.attempts, std::move(done)); });
}

Result<bool> Waiting::put_off(const OutboxMessage& message, std::chrono::milliseconds delay) {
  return outcome_of<bool>(
      [&](auto done) { store_->outbox().put_off(message.id, message.attempts, delay, std::move(done)); });
}

Result<std::int64_t> Waiting::give_up_older_than(Channel channel, std::chrono::milliseconds age) {
  return outcome_of<std::int64_t>(
      [&](auto done) { store_->outbox().give_up_older_than(channel, age, std::move(done)); });
}

Result<Outbox::Counts> Waiting::outbox_counts(Channel channel) {
  return outcome_of<Outbox::Counts>([&](auto done) { store_->outbox().counts(channel, std::move(done)); });
}

Result<std::uint64_t> Waiting::revoke(Revocation revocation) {
  return outcome_of<std::uint64_t>(
      [&](auto done) { store_->revocations().revoke(std::move(revocation), std::move(done)); });
}

Result<HistoryMark> Waiting::read_mark() {
  return outcome_of<HistoryMark>([&](auto done) { store_->history().read_mark(std::move(done)); });
}

Result<HistoryMark> Waiting::advance() {
  return outcome_of<HistoryMark>([&](auto done) { store_->history().advance(std::move(done)); });
}

Result<bool> Waiting::note_gone_back(std::string why) {
  return outcome_of<bool>([&](auto done) { store_->history().note_gone_back(std::move(why), std::move(done)); });
}

Result<HistoryMark> Waiting::begin_history(std::string epoch) {
  return outcome_of<HistoryMark>(
      [&](auto done) { store_->history().begin_history(std::move(epoch), std::move(done)); });
}

Result<FeedHead> Waiting::read_head() {
  return outcome_of<FeedHead>([&](auto done) { store_->revocations().read_head(std::move(done)); });
}

Result<FeedPage> Waiting::read_entries(std::uint64_t after) {
  return outcome_of<FeedPage>([&](auto done) { store_->revocations().read_entries(after, std::move(done)); });
}

Result<std::uint64_t> Waiting::purge(std::chrono::milliseconds advance_max) {
  return outcome_of<std::uint64_t>([&](auto done) { store_->revocations().purge(advance_max, std::move(done)); });
}

Result<bool> Waiting::check() {
  return outcome_of<bool>([&](auto done) { store_->check(std::move(done)); });
}

Sid sid_of(int number) {
  Sid sid{};
  for (std::size_t i = 0; i < 4; ++i) sid[i] = static_cast<std::byte>(number >> (8 * i));
  sid[15] = std::byte{1};
  return sid;
}

Digest key_of(int number) {
  Digest digest{};
  digest[0] = static_cast<std::byte>(number);
  digest[31] = std::byte{7};
  return digest;
}

NewUser new_user(const std::string& name) {
  return {.sub = "usr_" + name,
          .email = name + "@Example.com",
          .email_key = name + "@example.com",
          .password_hash = "$argon2id$" + name,
          .claims_json = R"({"roles":["developer"],"plan":"free"})"};
}

SignIn sign_in_of(const std::string& name, int sid, StoreTime now) {
  return {.sid = sid_of(sid),
          .key_id = 1,
          .sub = "usr_" + name,
          .client_id = "first-party",
          .scope = "read write",
          .audience = "api",
          .delivery = Delivery::body,
          .security_epoch = 0,
          .idle = idle,
          .absolute = absolute,
          .access_expires_at = now + std::chrono::minutes{15},
          .user_agent = "Mozilla/5.0 (X11; Linux x86_64)",
          .address = "192.0.2.7"};
}

RotateRequest rotation_of(int sid, std::int64_t generation, StoreTime now) {
  return {.sid = sid_of(sid),
          .generation = generation,
          .client_id = "first-party",
          .scope = "",
          .key_id = 1,
          .idle = idle,
          .access_expires_at = now + std::chrono::minutes{15},
          .user_agent = "Mozilla/5.0 (X11; Linux x86_64)",
          .address = "192.0.2.7"};
}

void StoreConformance::sign_ada_in() {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 1, now())), SignInOutcome::signed_in);
}

Rotation StoreConformance::rotate(std::int64_t generation, std::optional<int> key) {
  auto request = rotation_of(1, generation, now());
  if (key) request.idempotency_key = key_of(*key);
  return db().rotate(request).value();
}

RotateOutcome StoreConformance::rotate_outcome(std::int64_t generation, std::optional<int> key) {
  return rotate(generation, key).outcome;
}

void StoreConformance::rotate_up_to(std::int64_t generation) {
  for (std::int64_t at = 0; at < generation; ++at) {
    move_clock(std::chrono::minutes{1});
    ASSERT_EQ(rotate_outcome(at), RotateOutcome::rotated);
  }
}

Session StoreConformance::session(int sid) { return db().find_session(sid_of(sid)).value().value(); }

User StoreConformance::ada() { return db().find_by_sub("usr_ada").value().value(); }

}  // namespace jeton::store::conformance
