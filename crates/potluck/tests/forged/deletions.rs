//! `potluck audit` knows an account that was deleted as a frozen one, for good.

use domain::*;

use crate::shop::{Shop, finds, passes};

#[test]
fn what_a_deleted_account_does_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::open(dir.path());
    shop.register(&[None, None, None]);
    let [gone, frozen] = [MemberId(1), MemberId(2)];
    shop.must(Command::FreezeMember { member: frozen });
    let leave = Money(0);
    shop.must(Command::DeleteAccount {
        member: gone,
        leave,
    });
    shop.must(Command::UnfreezeMember { member: frozen });
    drop(shop);
    passes(dir.path());
    let finding = "was so before, or has deleted his account";
    finds(dir.path(), finding, &mut |event: &mut Event| match event {
        Event::MemberUnfrozen { member } => {
            *member = gone;
            true
        }
        _ => false,
    });
    finds(dir.path(), finding, &mut |event: &mut Event| match event {
        Event::AccountDeleted { member } => {
            *member = frozen;
            true
        }
        _ => false,
    });
}
