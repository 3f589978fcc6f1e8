// SPDX-License-Identifier: GPL-2.0-only
//! The table of all rules.

/// Gives the table of all rules to the macro `$with`, from which that makes what its runner
/// needs: of each group its name, the section of the specification that it is about, how many
/// seconds one of its rules may take, and the rules, each with what it needs of its subject.
///
/// A rule that shows a behaviour of section 11 has its number in its name: `b24_...` shows 24.
#[macro_export]
macro_rules! each_rule {
    ($with:ident) => {
        $with! {
            announcements "5.4" 30 {
                b24_a_listener_hears_itself;
                b26_a_message_without_listeners_vanishes;
                b28_first_sends_both_hear;
                b29_second_sends_both_hear;
                b30_only_the_bound_name_is_heard;
                b32_words_of_data_arrive_byte_for_byte;
                b33_send_returns_the_id;
                b35_receiver_sees_the_senders_id;
                b37_three_bindings_three_copies;
                b38_another_ksocks_binding_gets_me_nothing;
                b40_five_sent_five_read;
                b41_reading_out_can_be_repeated;
                b42_leaving_the_scope_closes;
                b43_lastsent_is_the_id_sent;
            }
            binding "3.7" 30 {
                b46_bind_with_an_empty_name;
                b47_unbind_with_an_empty_name;
                b48_a_listener_comes_and_goes;
                b50_four_times_the_same_listener;
                b51_replier_and_twice_listener;
                b52_one_unbind_too_many;
                b53_unbinding_what_was_never_bound;
                b54_replier_then_listener;
                b56_a_second_replier_is_refused;
                b58_listeners_never_conflict;
                b289_unbinding_the_exact_name_leaves_the_others;
                b290_then_the_wildcard_leaves_none;
                b291_two_identical_listeners_count;
                b292_unbinding_removes_the_newest_copies;
                b59_proc_lists_exactly_the_bindings;
                b60_proc_lists_duplicates_and_more;
                b61_after_closing_none_is_listed;
                b63_bindings_are_as_believed_at_every_close;
            }
            names "4.1" 30 {
                b65_empty;
                b66_dollar_alone;
                b70_hash;
                b72_ending_in_two_dots;
                b73_two_adjacent_dots;
                b74_three_adjacent_dots;
                b75_four_adjacent_dots;
                b76_ordinary_two_word_name;
                b78_thirty_letters;
                b79_case_matters;
                b80_star_as_replier;
                b81_percent_as_replier;
                b82_binding_1002_characters;
                names_every_single_byte;
                names_utf8_is_refused;
                names_the_event_name_takes_no_replier;
                names_below_kbus_are_not_reserved;
                matching_table;
                choosing_between_stars_the_newest_wins;
                choosing_follows_unbinding;
                replier_query_is_literal;
                names_of_the_vectors;
                names_every_single_byte_sent;
                matching_is_what_the_vectors_say;
                choosing_follows_a_close;
                replier_query_follows_unbinding;
            }
            wildcards "5.2" 30 {
                b102_star_hears_a_child;
                b103_star_hears_any_depth;
                b105_star_and_exact_hear_twice;
                b106_star_replier_gets_a_childs_request;
                b107_star_replier_gets_a_deep_request;
                b109_star_and_exact_replier_get_it_once;
                b111_exact_listeners_hear_beside_a_wildcard;
                b112_percent_hears_children;
                b113_percent_does_not_hear_deeper;
                b114_percent_does_not_hear_elsewhere;
                b115_star_replier_alone;
                b116_exact_replier_is_preferred;
                b117_its_sibling_still_goes_to_the_star;
                b120_exact_beats_percent_and_star;
                b121_percent_beats_star;
                b122_deeper_goes_to_the_star;
                b123_whoever_is_chosen_is_marked;
                b124_an_unanswered_request_is_no_obstacle;
            }
            requests "5.6" 30 {
                b125_an_announcement_asks_nobody;
                b126_a_listeners_copy_of_a_request_is_not_marked;
                b127_the_repliers_copy_is_marked;
                b128_a_replier_does_not_hear_announcements;
                b129_a_request_without_replier;
                b130_replier_and_listener_hears_once;
                b132_a_reply_by_hand;
                b133_answering_oneself;
                b135_and_then_nothing_is_left;
                b136_a_listener_to_everything_sees_all_unmarked;
                b137_the_requester_gets_the_reply_unbound;
                b138_the_reply_is_from_the_replier;
                b139_the_replier_does_not_get_its_reply;
                b140_and_nobody_has_anything_left;
                b144_an_unsolicited_reply;
                b145_a_reply_with_a_shifted_id;
                b146_the_same_reply_twice;
                b148_marked_first_then_unmarked;
                b150_a_stateful_request_reaches_its_replier_and_listeners;
                b151_with_no_replier_left;
                b152_with_another_replier;
                b232_none_at_first;
                b234_none_after_an_announcement;
                b236_none_after_the_reply;
            }
            going_away "6.2" 30 {
                b170_gone_away_for_an_unread_request;
                b171_gone_away_is_to_the_requester;
                b173_gone_away_is_in_reply_to_the_request;
                b176_only_one_gone_away_for_replier_and_listener;
                b179_unbound_has_the_same_fields;
                b180_the_former_replier_has_nothing_left;
                b181_the_listener_copy_survives_unbinding;
                b182_two_unbounds_in_order;
                b185_read_and_closed_without_reply;
            }
            urgent "5.5" 30 {
                b187_urgent_is_read_first;
                b190_urgent_copies_carry_the_flag;
                b191_an_urgent_request_is_marked;
                b192_ids_of_reordered_messages;
            }
            limits "5.3" 30 {
                b197_asking_changes_nothing;
                b198_a_full_listener_is_skipped;
                b199_a_full_replier_refuses;
                b200_and_keeps_the_first_request;
                b201_a_refused_request_has_an_id;
                b204_all_or_wait_with_room;
                b205_all_or_fail_with_room;
                b208_all_or_fail_delivers_to_nobody;
                b210_all_or_wait_gives_eagain;
                b212_no_room_for_the_answer;
                b213_announcements_can_still_be_sent;
                b215_after_the_reply_is_read_requests_go_again;
                b216_all_or_wait_to_an_emptied_and_a_full_queue;
                b218_a_thousand_requests;
            }
            large "2.3" 60 {
                b231_a_thousand_listeners_closed_unread: Speed;
            }
            only_once "5.5" 30 {
                b237_off_by_default;
                b238_switching_on;
                b239_switching_off;
                b240_off_three_bindings_three_copies;
                b241_off_listener_and_replier_two_copies;
                b242_on_three_bindings_one_copy;
                b244_setting_to_what_it_is;
                b245_toggling;
            }
            bind_events "6.4" 30 {
                b249_reporting_is_off_by_default;
                b250_asking_does_not_change_it;
                b252_turning_it_off;
                b253_existing_repliers_are_replayed;
                b254_unbinding_an_unbound_listener;
                b255_unbinding_an_unbound_replier;
                b257_full_event_listener_no_replier_bind;
                b258_with_reporting_off_it_works;
                b259_full_event_listener_listener_unbind_works;
                b260_full_event_listener_no_replier_unbind;
                b262_two_event_listeners_both_hear;
                b263_eaddrinuse_goes_before_eagain;
                b264_undeliverable_to_one_reaches_none;
                b267_after_reading_one_more_fits;
                b268_the_binder_hears_its_own_event;
                b269_a_listener_bind_makes_no_event;
                b270_a_second_replier_makes_a_second_event;
                b271_an_unbind_makes_an_event;
                b273_reporting_off_no_events;
                b274_switched_on_between_bind_and_unbind;
                b251_turning_it_on: OtherBus;
                events_undeliverable_unbind_takes_nothing_back;
            }
            events "6.5" 60 {
                events_reach_every_matching_listener;
                events_reach_each_binding;
                events_are_announced_before_the_binding;
                events_unbind_comes_before_unbound;
                events_failed_binds_make_none: Roles;
                events_close_newest_first;
                events_replay_belongs_to_no_binding;
                events_replay_that_does_not_fit;
                events_name_length_and_padding;
                events_obey_only_once;
                events_undeliverable_use_up_a_serial;
                set_aside_all_when_one_is_full;
                set_aside_one_moves_per_nextmsg;
                set_aside_is_readable_with_an_empty_queue;
                set_aside_moves_on_unbind;
                set_aside_dropped_by_unbinding_the_event_name;
                set_aside_failed_unbind_harms_nothing_else;
                set_aside_of_a_wildcard_binding_does_not_dangle;
                set_aside_shares_one_id;
                set_aside_lost_reaches_wildcard_listeners;
                set_aside_does_not_count_as_full;
                events_off_while_set_aside;
                events_replay_again_when_on_already;
                set_aside_dropped_at_close;
                set_aside_counts_and_poll_agree;
                set_aside_tragic_ends_when_empty;
                set_aside_behind_a_reserved_place;
                set_aside_loss_ends_with_room_for_new_events;
                set_aside_loss_is_told_again_to_who_has_read_of_it;
                set_aside_loss_is_told_again_to_who_unbound_it;
                set_aside_dropped_by_unbinding_one_of_two_bindings;
                set_aside_moved_in_and_then_unbound;
            }
            set_aside "6.5" 90 {
                b276_bind_event_and_set_aside_unbind_event;
                b277_they_are_read_in_order;
                b278_two_thousand_unbinds_are_not_all_kept: Speed;
                b279_all_but_the_last_are_unbind_events;
                b281_afterwards_nothing_is_left: Speed;
                b282_two_listeners_hold_the_same_number: Speed;
                b283_and_the_same_messages;
                b285_two_thousand_binds_read_promptly;
                b287_verbose_changes_nothing: Speed;
            }
            lower "11" 30 {
                b360_verbosity_reads_back;
                b361_reporting_reads_back;
                b363_no_replier_is_no_error;
                b366_listener_and_replier_see_the_same_id;
                b368_a_reply_reaches_the_sender;
                b370_unbinding_as_replier_what_only_listens;
                b371_all_remaining_unbinds_succeed;
                b372_a_stateful_request_formed_from_a_reply;
                b374_bind_event_data_decode;
                b364_device_1_is_independent: OtherBus;
            }
            answers "5.6" 30 {
                answer_by_a_third_party;
                answer_before_the_request_is_popped;
                answer_second_is_refused;
                answer_of_any_name_in_any_order;
                answer_to_a_closed_requester;
                answer_ids_are_a_multiset;
                answer_owed_is_per_request;
                answer_to_self_after_third_party;
                answer_listener_copy_of_ones_own_reply;
                status_goneaway_for_stateful;
                status_unbound_for_stateful;
                status_unbound_only_for_that_binding;
                status_unbound_for_self_request;
                status_self_request_at_close;
                status_is_not_heard_by_listeners;
                status_ignores_fullness;
                status_to_a_closed_requester_is_dropped;
                status_never_after_an_answer;
                status_for_explicit_ids;
                status_wildcard_replier_unbinds;
                answer_field_by_field;
                answer_by_another_leaves_the_debt;
                answer_ids_of_several_repliers;
                answer_is_not_due_to_a_newcomer;
                answer_is_no_request;
                status_unbound_in_queue_order;
            }
            closing "9.1" 30 {
                closing_order_of_the_example;
                closing_pending_is_dropped_silently;
                closing_requester_leaves_requests_at_the_replier;
                closing_drops_announcements;
                closing_queue_order_counts_for_goneaway;
                closing_urgent_queue_order;
                closing_frees_names;
                closing_id_disappears;
                closing_ends_outstanding_room;
                closing_settings_stay: MaxSize;
                closing_own_events_are_not_heard;
                closing_as_requester_and_replier;
            }
            settings "3.7" 30 {
                ioctl_open_ids_count_up;
                ioctl_roles_are_kept_as_given: Roles;
                ioctl_identical_bindings_newest_goes_first;
                ioctl_maxmsgs_lowering_discards_nothing;
            }
            sending "5.4" 30 {
                send_flags_are_carried;
                send_ids;
                send_serials_are_shared_with_synthetic_messages;
                send_room_counts_outstanding_requests;
                send_room_table;
                send_copies_may_exceed_the_limit;
                send_self_request_may_exceed_the_limit;
                send_decision_replier_before_reply;
                send_decision_request_checks;
                send_decision_listeners_last;
                send_reply_honours_flags;
                send_reply_without_room;
                send_request_and_reply_in_one;
                send_copies_in_order_newest_listener_first;
                send_urgent_copies_are_reversed;
                send_urgent_reply_and_status;
                send_only_once_keeps_reply_and_marked_copy;
                send_only_once_keeps_the_newest_listeners_copy;
                send_only_once_compares_with_the_last_inserted;
                send_only_once_is_per_ksock;
                send_nobody_listens;
                send_to_is_ignored_for_announcements;
                send_with_nothing: SendAgain;
                send_decision_reply_checks: OtherBus;
                send_changes_what_the_bus_knows: Fields;
                send_only_once_keeps_the_copy_of_the_newest_binding;
                send_only_once_forgets_when_something_came_between;
                send_only_once_and_the_answer_to_a_listener;
                send_room_for_ones_own_request;
                send_copies_beyond_the_limit_leave_the_answer_its_place;
                send_reply_beyond_a_lowered_limit;
                send_decision_order;
                send_full_listeners_and_a_full_replier;
                send_data_of_any_length_arrives_whole;
            }
            waiting "7" 30 {
                waiting_entered_for_a_listener;
                waiting_entered_for_a_replier;
                waiting_entered_for_a_reply;
                waiting_nobody_has_received_anything;
                waiting_id_is_stored_and_kept;
                waiting_send_retries_with_the_same_id: SendAgain;
                waiting_discard_ends_it;
                waiting_routing_is_fresh_listeners;
                waiting_routing_is_fresh_replier;
                waiting_disappeared;
                waiting_disappeared_is_readable_at_once;
                waiting_disappeared_for_a_reply;
                waiting_disappeared_not_for_an_explicit_send: SendAgain;
                waiting_error_sending;
                waiting_explicit_send_gives_epipe: SendAgain;
                waiting_announcement_to_nobody_left_succeeds;
                waiting_reply_that_is_answered_elsewhere_vanishes;
                waiting_request_is_answered_like_any;
                waiting_enolck_on_explicit_send_abandons: SendAgain;
                waiting_enolck_is_not_tested_by_poll;
                waiting_several_senders_one_slot;
                waiting_retry_is_heard_by_its_own_ksock;
            }
        }
    };
}
