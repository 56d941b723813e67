//! Draft priorities as one number for the transport (draft-18 "Scheduling Algorithm").

use crate::wire::location::GroupOrder;

const GROUP_BITS: u32 = 10;
const SUBGROUP_BITS: u32 = 4;

/// The transport priority, higher first, of a subgroup: subscriber priority, then publisher
/// priority, then the group in the subscription's order, then the lower subgroup. Always below
/// 2^30, which leaves the range above to control and request streams. Groups are compared modulo
/// 1,024: only streams that are that far apart in one track can be misordered.
pub fn transport_priority(
    subscriber: u8,
    publisher: u8,
    order: GroupOrder,
    group: u64,
    subgroup: u64,
) -> i32 {
    let group_max = (1_i32 << GROUP_BITS) - 1;
    let subgroup_max = (1_i32 << SUBGROUP_BITS) - 1;
    let group = (group & group_max as u64) as i32;
    let group = match order {
        GroupOrder::Ascending => group_max - group,
        GroupOrder::Descending => group,
    };
    let subgroup = subgroup_max - subgroup.min(subgroup_max as u64) as i32;
    let first = i32::from(255 - subscriber) << (GROUP_BITS + SUBGROUP_BITS + 8);
    let second = i32::from(255 - publisher) << (GROUP_BITS + SUBGROUP_BITS);
    first | second | (group << SUBGROUP_BITS) | subgroup
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(subscriber: u8, publisher: u8, order: GroupOrder, group: u64, subgroup: u64) -> i32 {
        transport_priority(subscriber, publisher, order, group, subgroup)
    }

    #[test]
    fn orders_by_subscriber_then_publisher_then_group_then_subgroup() {
        let up = GroupOrder::Ascending;
        assert!(of(0, 255, up, 9, 9) > of(1, 0, up, 0, 0));
        assert!(of(5, 0, up, 9, 9) > of(5, 1, up, 0, 0));
        assert!(of(5, 5, up, 3, 9) > of(5, 5, up, 4, 0));
        assert!(of(5, 5, GroupOrder::Descending, 4, 9) > of(5, 5, GroupOrder::Descending, 3, 0));
        assert!(of(5, 5, up, 3, 0) > of(5, 5, up, 3, 1));
        assert!(of(0, 0, up, 0, 0) < 1 << 30);
        assert!(of(255, 255, up, u64::MAX, u64::MAX) >= 0);
    }
}
