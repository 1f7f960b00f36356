//! The stories that every store must pass. Together they execute every statement of a store.
//!
//! A store's crate calls [`contract_tests!`](crate::contract_tests) once in a test file.

mod accounts;
mod activity;
mod audit;
mod companies;
mod connections;
mod deletion;
mod ending;
mod engagement;
mod erasure;
mod export;
mod figures;
mod fixtures;
mod incremental;
mod invalid;
mod leavers;
mod look_up;
mod matching;
mod overview;
mod pages;
mod queue;
mod random;
mod records;
mod replay;
mod replies;
mod resuming;
mod retention;
mod runs;
mod secrets;
mod sessions;
mod sign_on;
mod sweeps;
mod tokens;
mod trail;
mod trends;

pub use accounts::*;
pub use activity::*;
pub use audit::*;
pub use companies::*;
pub use connections::*;
pub use deletion::*;
pub use ending::*;
pub use engagement::*;
pub use erasure::*;
pub use export::*;
pub use figures::*;
pub use incremental::*;
pub use invalid::*;
pub use leavers::*;
pub use look_up::*;
pub use matching::*;
pub use overview::*;
pub use pages::*;
pub use queue::*;
pub use random::*;
pub use replay::*;
pub use replies::*;
pub use resuming::*;
pub use retention::*;
pub use runs::*;
pub use secrets::*;
pub use sessions::*;
pub use sign_on::*;
pub use sweeps::*;
pub use tokens::*;
pub use trail::*;
pub use trends::*;

/// Makes one `#[tokio::test]` of each story. The expression is evaluated in each of them (it may await), and gives an
/// empty store and whatever must live as long as it does.
#[macro_export]
macro_rules! contract_tests {
    ($open:expr) => {
        $crate::contract_tests! { $open;
            connections_are_listed_by_tenant_as_they_were_added,
            a_second_connection_of_a_tenant_is_refused,
            the_same_client_on_the_same_host_is_refused,
            access_is_replaced_for_its_connection_only,
            the_access_of_another_connection_is_refused,
            deactivating_cancels_a_queued_run,
            deactivating_asks_a_running_run_to_stop,
            deactivating_without_a_run_keeps_the_first_time,
            a_connection_has_one_run_at_a_time,
            a_run_of_the_future_is_not_the_latest,
            the_latest_runs_of_all_active_connections_are_told_at_once,
            a_connection_that_was_due_runs_once,
            a_run_of_the_future_does_not_keep_a_connection_from_being_due,
            the_longest_waiting_run_is_claimed_first_and_once,
            of_two_claims_at_once_one_wins,
            a_run_whose_lease_ran_out_is_taken_up_with_a_higher_token,
            a_claim_may_ask_for_one_run_only,
            a_run_of_a_deactivated_connection_is_not_taken_up,
            a_lease_is_renewed_until_it_is_lost,
            a_released_run_stands_at_the_head_of_the_queue,
            a_run_that_was_to_stop_and_is_released_is_cancelled_at_the_next_claim,
            a_stage_starts_its_streams_clock_once,
            runs_are_paged_newest_first,
            runs_after_a_run_are_those_before_it,
            a_run_is_read_as_of_one_moment,
            figures_tell_the_leases_of_runs_under_way,
            figures_add_up_what_all_runs_did,
            a_run_that_gave_way_comes_after_those_that_have_had_no_turn,
            a_run_that_gave_way_long_ago_comes_first_again,
            a_run_that_gave_way_remembers_how_often_it_failed,
            a_run_that_waits_for_the_provider_is_left_alone_until_then,
            a_queued_run_is_cancelled_at_once,
            a_running_run_is_asked_to_stop,
            a_run_that_is_over_cannot_be_cancelled,
            a_renewal_keeps_how_the_run_comes_along,
            the_pace_of_a_connection_is_kept_from_run_to_run,
            requests_beside_a_run_are_handed_out_once,
            leases_and_waits_of_a_clock_that_was_wrong_do_not_hold,
            a_lost_lease_writes_nothing,
            a_commit_for_another_connection_is_refused,
            records_come_back_as_they_were_committed,
            records_are_paged_by_key,
            rows_are_new_then_unchanged_then_updated,
            a_repeated_row_is_written_but_not_counted,
            many_rows_are_written_in_one_commit,
            a_miscounted_page_is_refused_whole,
            a_row_of_another_stream_is_refused,
            the_next_claimant_gets_checkpoint_and_seen,
            ledgers_add_up_over_pages,
            tenants_do_not_touch_each_other,
            topics_await_their_replies_until_they_are_read,
            topics_awaiting_replies_are_paged,
            a_topic_and_a_reply_may_share_an_id,
            invalid_records_are_grouped_and_paged,
            a_success_is_refused_unless_every_stream_ended,
            a_success_is_stored_whole,
            a_failure_keeps_its_cause_and_checkpoint,
            a_cancelled_run_frees_its_connection,
            the_activity_source_is_learned_when_its_stream_ends,
            an_empty_store_has_nothing_to_show,
            the_overview_counts_and_ranks_runs,
            a_card_is_of_one_moment_while_runs_begin_and_end,
            the_change_marker_moves_with_every_commit,
            a_success_moves_the_watermarks_to_what_it_saw,
            a_run_that_is_taken_up_again_starts_from_the_same_watermarks,
            new_rows_from_before_the_watermark_are_late,
            successes_are_counted_since_the_last_full_one,
            a_run_may_read_all_replies_again,
            the_run_after_a_failed_one_goes_on_from_its_last_page,
            a_failed_run_is_gone_on_with_only_for_a_day_and_as_it_was_meant,
            only_a_run_that_failed_after_a_page_is_gone_on_with,
            exports_have_every_field_of_every_record,
            exports_are_paged_over_all_tenants_or_one,
            invalid_records_are_exported_by_run,
            trends_count_what_stands_on_a_day,
            trends_rebuilt_day_by_day_equal_a_rebuild_from_nothing,
            what_a_member_did_counts_for_their_company_until_they_left,
            days_are_due_where_no_run_is_under_way,
            a_companys_figures_are_told_by_company_and_by_day,
            a_companys_topics_and_ideas_are_told_newest_first,
            what_is_of_companies_is_exported_as_their_figures_count_it,
            what_is_of_one_company_is_exported_without_the_others,
            nothing_is_exported_of_a_company_without_members,
            what_members_did_is_told_of_each,
            a_company_is_met_with_all_below_it_once,
            companies_are_imported_by_external_id,
            companies_are_found_by_external_id,
            persons_are_imported_by_external_id,
            a_member_is_due_until_matched_and_again_when_changed,
            a_mark_that_is_made_meanwhile_stays,
            a_change_of_rules_makes_all_members_due_page_by_page,
            a_page_of_a_pass_is_outdated_once_marked_members_were_matched,
            a_match_by_another_rule_is_written_and_the_former_kept,
            a_match_that_is_another_by_now_is_replaced_all_the_same,
            the_first_rules_decide_of_members_who_are_marked,
            marked_members_are_read_after_one_another,
            a_member_is_matched_by_what_is_stored,
            nothing_is_due_where_there_are_no_members,
            what_an_older_revision_decided_is_refused_unless_it_is_reached_again,
            matches_of_a_run_are_refused_once_its_lease_is_lost,
            a_change_of_companies_is_remembered_with_what_was_before,
            members_are_looked_through_in_order_with_what_rules_compare,
            a_sweep_marks_whom_it_finds_and_forgets_what_it_looked_for,
            a_step_of_a_sweep_is_refused_once_something_changed_or_somebody_was_quicker,
            a_step_of_a_sweep_whose_lease_was_lost_is_refused,
            changes_are_kept_until_the_last_connection_is_swept,
            the_persons_of_a_new_company_lead_elsewhere,
            members_whose_link_names_a_person_are_due_with_that_person,
            a_change_of_many_parties_or_of_rules_makes_all_members_due_instead,
            a_sweep_that_cannot_tell_makes_all_members_due,
            an_older_revision_may_decide_what_a_sweep_will_reach_with_all_changes_since,
            an_erasure_leaves_nothing_of_remembered_persons,
            matches_are_counted_without_deleted_members,
            exports_tell_what_members_are_tied_to,
            companies_and_persons_are_looked_up,
            a_companys_members_are_listed_and_counted_by_rule,
            what_was_said_by_hand_is_listed_the_latest_first,
            of_two_changes_of_the_rules_the_second_is_told,
            an_earlier_version_of_the_rules_decides_again,
            what_an_admin_says_of_a_member_is_kept,
            a_member_who_has_left_counts_no_more,
            bounces_are_tried_and_written,
            the_first_bounce_of_an_address_stands_until_mail_is_delivered_again,
            a_person_is_inactive_since_the_first_time,
            members_leave_and_come_back_by_the_rules,
            an_admin_who_says_that_a_member_stays_stands_above_the_rules,
            what_an_admin_says_of_leaving_stands_above_the_rules,
            what_an_admin_said_of_leaving_can_be_left_to_the_rules_again,
            the_bounces_of_an_erased_person_are_forgotten_and_stay_out,
            members_without_a_company_are_grouped_by_cause,
            members_without_a_company_are_filtered,
            a_ticket_of_nobody_is_not_made,
            a_ticket_holds_its_members_until_they_match,
            tickets_are_listed_with_how_many_of_their_members_are_left,
            what_came_of_posting_a_ticket_is_kept,
            imported_activity_is_stored_by_event_id,
            imported_activity_is_counted,
            an_import_is_the_source_where_the_api_is_none,
            what_a_cancelled_run_had_seen_is_forgotten_by_the_next,
            rows_that_are_gone_are_marked_and_may_come_back,
            a_lost_lease_marks_nothing,
            replies_go_with_their_topic_and_are_read_again_when_it_comes_back,
            of_replies_only_those_of_topics_that_were_read_in_the_pass_are_looked_for,
            a_mapping_is_kept_and_makes_a_replay_due,
            a_newer_decoder_makes_a_replay_due_and_an_older_one_does_not,
            a_replay_stays_due_while_a_run_is_under_way,
            profile_fields_are_counted,
            members_are_remapped_unless_a_run_has_changed_them,
            the_next_sync_finds_members_as_they_were_remapped,
            what_can_be_read_now_is_stored_as_its_run_would_have,
            a_record_is_repaired_once_and_says_when,
            a_topic_that_is_repaired_awaits_its_replies,
            a_record_that_is_still_invalid_has_its_newest_reason,
            a_payload_replaces_what_an_earlier_run_stored,
            an_older_payload_never_replaces_newer_data,
            a_record_that_a_later_full_pass_has_not_met_is_not_brought_back,
            sealed_secrets_are_paged_by_connection,
            a_secret_is_sealed_anew_unless_it_changed_meanwhile,
            a_secret_of_the_installation_is_kept_once_and_sealed_anew,
            a_person_is_erased_from_every_object_of_every_tenant,
            what_an_erased_person_wrote_and_did_still_counts,
            what_was_set_aside_of_an_erased_person_keeps_its_reason_alone,
            an_unknown_person_changes_nothing_and_an_erased_one_has_a_receipt,
            a_person_is_looked_for_before_they_are_erased,
            the_receipt_of_an_erasure_is_found_afterwards,
            an_erased_person_does_not_come_back,
            an_erased_person_does_not_come_back_by_a_replay,
            what_goes_on_around_an_erased_person_is_still_read,
            what_is_unchanged_without_its_erased_author_writes_no_row,
            whoever_joins_again_is_a_member_again,
            a_person_who_was_only_set_aside_is_erased_too,
            an_address_is_taken_out_of_the_texts_of_others,
            imported_activity_of_an_erased_member_stays_without_them,
            without_the_salt_nothing_is_written_once_someone_was_erased,
            payloads_expire_some_at_a_time,
            activity_past_its_retention_is_forgotten_bit_by_bit,
            what_is_left_out_of_a_page_counts_as_unchanged,
            months_of_activity_are_forgotten_for_all_connections,
            invalid_records_of_old_runs_are_forgotten,
            accounts_are_listed_by_address_and_added_once,
            a_link_is_good_for_a_time_and_until_there_is_a_newer_one,
            a_link_is_used_once_and_for_nothing_else,
            the_first_account_is_made_by_a_link_only_once,
            the_last_active_admin_stays_one_and_may_log_in,
            a_session_is_found_by_its_token_until_it_is_idle_or_old,
            sessions_are_listed_latest_first,
            a_session_is_ended_by_its_owner_or_for_anyone,
            a_confirmed_session_goes_on_under_another_token,
            a_disabled_account_loses_its_sessions_and_links_at_once,
            whoever_was_about_to_log_in_when_disabled_does_not,
            an_account_that_is_enabled_again_logs_in_anew,
            an_account_is_disabled_since_the_first_time,
            another_role_ends_sessions,
            a_new_password_ends_sessions_and_links_and_forgets_browsers,
            a_browser_is_known_as_one_persons_and_for_a_time,
            tries_are_counted_together_and_forgotten_with_a_success,
            ten_thousand_wrong_tries_lock_nobody_out,
            what_is_over_is_swept,
            tries_are_forgotten_after_a_day,
            a_token_is_found_by_its_hash_and_says_what_became_of_it,
            the_last_use_of_a_token_is_written_once_a_minute,
            a_token_is_good_for_nothing_while_its_maker_is_no_admin,
            a_token_is_revoked_once,
            tokens_are_forgotten_a_while_after_their_end,
            what_a_program_does_is_in_the_trail_under_its_token,
            whoever_signs_on_first_has_an_account_from_then_on,
            an_account_is_tied_by_an_address_that_the_provider_has_verified,
            an_address_that_the_provider_denies_makes_no_account,
            an_address_that_was_given_to_somebody_else_does_not_give_the_account,
            the_provider_says_the_role_with_each_sign_on,
            the_last_active_admin_is_not_let_in_as_a_csm,
            a_disabled_account_is_not_signed_on_to,
            an_account_that_is_enabled_again_is_signed_on_to,
            a_session_remembers_that_the_provider_let_them_in,
            changes_of_accounts_are_in_the_trail_and_its_chain_holds,
            the_trail_is_read_from_either_end,
            the_trail_is_narrowed_to_a_deed_and_to_whoever_did_it,
            a_change_that_is_refused_leaves_no_entry,
            what_is_done_to_connections_is_in_the_trail_once,
            runs_that_the_schedule_queues_are_in_no_entry,
            imports_are_in_the_trail_as_counts,
            what_an_admin_makes_of_a_company_is_in_the_trail_by_its_id,
            changes_of_rules_are_in_the_trail_with_their_version,
            secrets_that_are_sealed_anew_are_in_the_trail_as_a_count,
            what_the_trail_keeps_of_an_erased_person_identifies_nobody,
            old_entries_go_and_the_chain_goes_on_from_the_cut,
            a_trail_may_be_cut_whole_and_what_tells_of_cuts_is_no_reason_for_one,
            random_commits_leave_what_a_model_says,
        }
    };
    ($open:expr; $($story:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $story() {
                let (store, _guard) = $open;
                $crate::contract::$story(&store).await;
            }
        )+
    };
}
