// The aggregates of the store contract on the lanes of one SQLite file.
#pragma once

#include "store/sqlite/lanes.h"
#include "store/store.h"

namespace jeton::store::sqlite {

class SqliteUsers final : public Users {
 public:
  explicit SqliteUsers(Lanes& lanes) : lanes_(lanes) {}
  void register_user(NewUser, Completion<Registration> done, Actor by) override;
  void import_users(std::vector<ImportedUser>, Completion<std::vector<bool>> done, Actor by) override;
  void find_by_email(std::string email_key, Completion<std::optional<User>> done) override;
  void find_by_sub(std::string sub, Completion<std::optional<User>> done) override;
  void upgrade_password_hash(std::string sub, std::string old_hash, std::string new_hash,
                             Completion<bool> done) override;
  void change_password(std::string sub, std::string new_hash, std::optional<Sid> keep, Completion<bool> done,
                       Actor by) override;
  void change_own_password(OwnPasswordChange, Completion<OwnPasswordOutcome> done) override;
  void set_disabled(std::string sub, bool disabled, Completion<bool> done, Actor by) override;
  void set_claims(std::string sub, std::string claims_json, Completion<bool> done, Actor by) override;
  void keep_user_elsewhere(UserElsewhere, Completion<KeptElsewhere> done) override;
  void read_all_of_user(std::string sub, Completion<std::optional<HeldOfUser>> done) override;
  void erase_user(std::string sub, Completion<bool> done, Actor by) override;
  void list_users(std::string after, std::size_t count, Completion<std::vector<User>> done) override;

 private:
  Lanes& lanes_;
};

class SqliteSessions final : public Sessions {
 public:
  explicit SqliteSessions(Lanes& lanes) : lanes_(lanes) {}
  void sign_in(SignIn, Completion<SignInOutcome> done) override;
  void rotate(RotateRequest, Completion<Rotation> done) override;
  void end_session(Sid, EndReason, Completion<bool> done, Actor by) override;
  void end_all_sessions(std::string sub, EndReason, Completion<std::int64_t> done, Actor by) override;
  void find_session(Sid, Completion<std::optional<Session>> done) override;
  void story_of(Sid, Completion<SessionStory> done) override;
  void live_sessions_of(std::string sub, Completion<std::vector<Session>> done) override;
  void end_own_session(std::string sub, Sid, EndReason, Completion<bool> done, Actor by) override;
  void end_other_sessions(std::string sub, Sid keep, EndReason, Completion<std::int64_t> done, Actor by) override;
  void forget_devices(StoreTime time, std::int64_t place, std::size_t looked_at_max, std::size_t changed_max,
                      Completion<DeviceSweep> done) override;

 private:
  Lanes& lanes_;
};

class SqliteClients final : public Clients {
 public:
  explicit SqliteClients(Lanes& lanes) : lanes_(lanes) {}
  void add_client(Client, Completion<ClientAddition> done, Actor by) override;
  void find_client(std::string id, Completion<std::optional<Client>> done) override;
  void list_clients(std::string after, std::size_t count, Completion<std::vector<Client>> done) override;
  void change_client(std::string id, ClientChange, Completion<std::optional<Client>> done, Actor by) override;
  void set_client_disabled(std::string id, bool disabled, Completion<bool> done, Actor by) override;
  void replace_secret(std::string id, Digest secret_hash, std::chrono::milliseconds overlap, Completion<bool> done,
                      Actor by) override;
  void admit_assertion(AssertionUse, std::size_t uses_max, Completion<Admission> done) override;

 private:
  Lanes& lanes_;
};

class SqliteSigningKeys final : public SigningKeys {
 public:
  explicit SqliteSigningKeys(Lanes& lanes) : lanes_(lanes) {}
  void read_keys(Completion<KeySetView> done) override;
  void report_node(NodeReport, Completion<KeySetView> done) override;
  void advance_keys(std::int64_t version, std::vector<KeyStep>, Completion<KeyChange> done) override;
  void forget_node(std::string id, Completion<bool> done) override;
  void import_key(StoredKey, Completion<KeyChange> done, Actor by) override;
  void rotate_key(std::string algorithm, Completion<KeyChange> done, Actor by) override;
  void revoke_key(std::string kid, Completion<KeyChange> done, Actor by) override;

 private:
  Lanes& lanes_;
};

class SqliteAudit final : public Audit {
 public:
  explicit SqliteAudit(Lanes& lanes) : lanes_(lanes) {}
  void list_audit(AuditQuery, Completion<std::vector<AuditEntry>> done) override;
  void verify_audit(AuditCheck so_far, std::size_t entries_max, Completion<AuditCheck> done) override;
  void erase_audit_of(std::string sub, Completion<std::int64_t> done, Actor by) override;
  void forget_audit_before(StoreTime time, std::size_t entries_max, Completion<std::int64_t> done) override;

 private:
  Lanes& lanes_;
};

class SqliteSettings final : public Settings {
 public:
  explicit SqliteSettings(Lanes& lanes) : lanes_(lanes) {}
  void settle(std::map<std::string, std::string> defaults,
              Completion<std::map<std::string, std::string>> done) override;

 private:
  Lanes& lanes_;
};

class SqliteOutbox final : public Outbox {
 public:
  explicit SqliteOutbox(Lanes& lanes) : lanes_(lanes) {}
  void want_events(bool wanted, Completion<bool> done) override;
  void next_due(Channel, Completion<std::optional<StoreTime>> done) override;
  void claim(Channel, std::size_t count, std::chrono::milliseconds lease,
             Completion<std::vector<OutboxMessage>> done) override;
  void delivered(std::int64_t id, std::int64_t attempts, Completion<bool> done) override;
  void put_off(std::int64_t id, std::int64_t attempts, std::chrono::milliseconds delay, Completion<bool> done) override;
  void give_up_older_than(Channel, std::chrono::milliseconds age, Completion<std::int64_t> done) override;
  void counts(Channel, Completion<Counts> done) override;

 private:
  Lanes& lanes_;
};

class SqliteRevocations final : public Revocations {
 public:
  explicit SqliteRevocations(Lanes& lanes) : lanes_(lanes) {}
  void revoke(Revocation, Completion<std::uint64_t> done) override;
  void find_revoked_token(std::string jti, Completion<bool> done) override;
  void watch(std::function<void()> call) override;
  void read_head(Completion<FeedHead> done) override;
  void read_entries(std::uint64_t after, Completion<FeedPage> done) override;
  void purge(std::chrono::milliseconds advance_max, Completion<std::uint64_t> done) override;

 private:
  Lanes& lanes_;
};

class SqliteOneTimeLinks final : public OneTimeLinks {
 public:
  explicit SqliteOneTimeLinks(Lanes& lanes) : lanes_(lanes) {}
  void make_link(NewLink, Completion<LinkOutcome> done) override;
  void find_link(LinkPurpose, Digest secret_hash, Completion<std::optional<std::string>> done) override;
  void verify_email(Digest secret_hash, Completion<std::optional<std::string>> done) override;
  void reset_password(Digest secret_hash, std::string new_hash, Completion<std::optional<std::string>> done) override;

 private:
  Lanes& lanes_;
};

class SqliteSecondFactors final : public SecondFactors {
 public:
  explicit SqliteSecondFactors(Lanes& lanes) : lanes_(lanes) {}
  void find_factor(std::string sub, Completion<std::optional<SecondFactor>> done) override;
  void begin_factor(std::string sub, std::vector<std::byte> sealed, Completion<bool> done) override;
  void confirm_factor(std::string sub, std::vector<std::byte> sealed, std::int64_t step,
                      std::vector<Digest> recovery_hashes, Completion<bool> done) override;
  void take_try(std::string sub, std::int64_t tries, std::chrono::milliseconds window, Completion<bool> done) override;
  void use_step(std::string sub, std::int64_t step, Completion<bool> done) override;
  void use_recovery_code(std::string sub, Digest hash, Completion<bool> done) override;
  void remove_factor(std::string sub, Completion<bool> done) override;

 private:
  Lanes& lanes_;
};

class SqliteHistory final : public History {
 public:
  explicit SqliteHistory(Lanes& lanes) : lanes_(lanes) {}
  void read_mark(Completion<HistoryMark> done) override;
  void advance(Completion<HistoryMark> done) override;
  void note_gone_back(std::string why, Completion<bool> done) override;
  void begin_history(std::string epoch, Completion<HistoryMark> done, Actor by) override;

 private:
  Lanes& lanes_;
};

}  // namespace jeton::store::sqlite
