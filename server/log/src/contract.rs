//! What every room log must do, as tests that any implementation runs unchanged.
//!
//! An implementation brings a [`Harness`], which makes a log and can hurt it, and calls [`contract!`](crate::contract!) with it in its tests. Each
//! public function of the modules below is one promise. Nothing here knows a runtime or a clock: the harness brings both.

pub mod duplicates;
mod harness;
pub mod hints;
pub mod loss;
pub mod model;
pub mod order;
pub mod retention;
mod steps;

pub use harness::{Harness, Terms};

/// Makes one `#[tokio::test]` a promise for a type that implements [`Harness`](crate::contract::Harness); the caller's crate needs `tokio` with
/// `macros` and `rt-multi-thread`, and `rt`.
#[macro_export]
macro_rules! contract {
    ($Harness:ty) => {
        $crate::contract!($Harness;
            order::numbers_rise_by_one,
            order::entries_come_back_as_they_were,
            order::pages_follow_on,
            order::a_page_is_no_longer_than_its_limit,
            order::history_goes_back_page_by_page,
            order::an_entry_is_found_by_its_position,
            order::tails_stand_before_what_comes_next,
            order::a_batch_keeps_its_order_in_each_room,
            order::rooms_nobody_wrote_to_are_empty,
            order::many_writers_make_one_list,
            duplicates::an_id_is_appended_once,
            duplicates::an_id_belongs_to_its_author_and_room,
            duplicates::an_id_counts_within_its_batch,
            duplicates::an_id_is_remembered_for_the_window_and_not_for_ever,
            duplicates::an_id_outlives_its_entry,
            duplicates::many_tries_at_once_make_one_entry,
            duplicates::a_lost_answer_is_found_again,
            hints::a_watch_begins_with_a_disturbance,
            hints::hints_are_complete_and_in_order,
            hints::a_dropped_watch_is_silent,
            hints::what_is_published_reaches_the_followers,
            hints::a_follower_may_leave_while_it_is_told,
            retention::the_oldest_entries_go_by_count,
            retention::entries_go_by_age_and_numbers_stay,
            loss::what_a_rollback_took_is_void,
            loss::a_void_ends_above_what_it_withdraws,
            loss::a_rollback_takes_the_ids_too,
            loss::a_rollback_of_everything_is_a_reset,
            loss::a_void_that_ends_in_trimmed_entries_is_followed_by_a_gap,
            loss::a_lost_data_set_is_a_reset,
            loss::a_position_from_the_future_is_ahead,
            loss::reach_says_what_read_does,
            loss::an_outage_is_said_and_ends,
        );

        #[test]
        fn agrees_with_a_plain_list() {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            $crate::contract::model::agrees_with_a_plain_list::<$Harness>(|work| runtime.block_on(work));
        }
    };
    ($Harness:ty; $($module:ident::$promise:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                $crate::contract::$module::$promise::<$Harness>().await;
            }
        )+
    };
}
