// What clients do in the walks.
#pragma once

#include "walk.h"

namespace jeton::model {

// Refreshing over a bad network: answers and requests lost, held up, overtaken; retries; time that passes; a logout.
inline const Menu bad_network{Action::refresh,
                              Action::refresh_without_key,
                              Action::refresh_answer_lost,
                              Action::refresh_request_lost,
                              Action::retry,
                              Action::retry_without_key,
                              Action::hold_up,
                              Action::arrive,
                              Action::log_out,
                              Action::clock_on_6s,
                              Action::clock_on_11s};

// The server is killed, its clock is set back, its database is replaced by an old copy, by hand or by jeton restore.
inline const Menu bad_server{Action::refresh,
                             Action::refresh_answer_lost,
                             Action::refresh_request_lost,
                             Action::retry,
                             Action::hold_up,
                             Action::arrive,
                             Action::clock_on_6s,
                             Action::clock_back_5s,
                             Action::kill_server,
                             Action::put_copy_back,
                             Action::restore};

// Ends of sessions: logout, new passwords, and sign-ins that are under way meanwhile.
inline const Menu accounts{
    Action::refresh,         Action::refresh_answer_lost,      Action::retry,         Action::log_out,
    Action::change_password, Action::change_password_and_keep, Action::read_password, Action::sign_in,
    Action::clock_on_11s};

inline const Menu everything = [] {
  Menu all = bad_network;
  all.insert(bad_server.begin(), bad_server.end());
  all.insert(accounts.begin(), accounts.end());
  return all;
}();

// Twelve steps back of the clock, and the grace.
inline constexpr Milliseconds age_with_steps_back{70'000};

}  // namespace jeton::model
