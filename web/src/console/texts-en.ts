//! The operator's console in English.

import type { ConsoleMessages } from './texts-zh'

export const consoleEn: ConsoleMessages = {
  console: {
    title: 'Operator console', sign_in: 'Sign in', name: 'Name', password: 'Password', sign_out: 'Sign out', shop: 'Open the shop', reason: 'Why (it stands in the list of decisions)', refresh: 'Refresh', more: 'Load more', all: 'All',
    demo: 'Demonstration',
    nav: { groups: 'Groups', campaigns: 'Campaigns', form: 'New campaign', orders: 'Orders', books: 'Books', ledger: 'Ledger' },
    groups: { title: 'Groups', state: 'State', id: 'Group', campaign: 'Campaign', filled: 'Filled', leader: 'Leader', opened: 'Opened', expires: 'Expires', act: 'Actions', cancel: 'Cancel', cancel_ask: 'Cancel group {id}? Everything paid goes back in full, no reward of any kind.', cancelled: 'Cancelled', draw: 'Draw' },
    campaigns: { title: 'Published campaigns', add: 'New campaign', price: 'Price', kind: 'Kind', seats: 'Seats and draw', open: 'Open groups', terms: 'Terms' },
    orders: { title: 'Orders', id: 'Order', product: 'Product', prize: 'with the prize: {prize}', group: 'Group', member: 'Member', price: 'Price', state: 'State', at: 'Bought', ship: 'Ship', carrier: 'Carrier', number: 'Tracking number', shipped: 'Shipping recorded', need_both: 'Carrier and number are needed', take_back: 'It is back', take_back_ask: 'Has the product arrived? {price} goes back to the buyer in full; this cannot be undone.', taken_back: 'Noted; the money goes back' },
    books: {
      channel: 'The channel\'s own books', channel_silent: 'The channel does not answer; look again later.', channel_held: 'The channel\'s own balance', channel_difference: 'Difference', channel_ours: 'By our books (without capital, before fees)',
      channel_is: { equal: 'The same.', on_its_way: 'Refunds or notices are on their way, which may be the difference.', channel_has_more: 'Nothing is on its way; the channel has money that we were not told of, such as a gateway\'s orders that it has not reported.', channel_has_less: 'Nothing is on its way; money that we count on is not there: look into it at once.' },
      title: 'Books', alarm: 'Alarm: the platform\'s own money is below zero. Publication is stopped.', held: 'Held', held_text: 'in the channel and at the bank', owed: 'Owed', owed_text: 'to members, suppliers, refunds in flight', own: 'Own money', own_text: 'held − owed', coins: 'Coins outstanding', flight: 'Refunds in flight', members_owe: 'Owed by members (clawed back, not counted as held)',
      trial: 'Trial balance', account: 'Account', asset: 'Asset', debit: 'Debit', credit: 'Credit', total: 'Total', difference: 'Debit − credit', zero: 'Balanced: the difference is zero', not_zero: 'Not balanced! The difference must be zero', owed_kind: 'Owed by kind',
      deposit: 'Deposit capital', deposit_text: 'Records own money the owner put into the channel\'s account.', deposited: 'Recorded', amount_bad: 'An amount is needed, such as 10000.00',
    },
    ledger: { title: 'Ledger', account: 'Account', holder: 'Holder', seq: 'Seq', at: 'Time', event: 'Event', debit: 'Debit', credit: 'Credit', asset: 'Asset', search: 'Search', holder_hint: 'number of a member or group' },
    account: {
      channel: 'Channel', escrow: 'Escrow of groups', 'refunds-due': 'Refunds due', available: 'Members, available', vesting: 'Members, vesting', suppliers: 'Suppliers', 'dividend-pool': 'Dividend pools', 'merchant-vesting': 'Merchants, vesting', 'merchant-payable': 'Merchants, payable', 'merchant-owes': 'Merchants owe', 'merchant-stated': 'Merchants, in statements', commission: 'Commission', 'entry-fees': 'Entry fees', 'counter-take': 'Counters', 'origin-shares': 'Home stores\' shares', capital: 'Capital', sales: 'Sales', 'cost-of-goods': 'Cost of goods', rewards: 'Rewards', 'channel-fees': 'Channel fees', 'coins-issued': 'Coins issued', coins: 'Members\' coins',
    },
    form: {
      title: 'New campaign', preset: 'Start from', preset_e0: 'Five seats (example E0)', preset_e2: 'A hundred seats (example E2)', preset_everyone: 'Group buy', preset_bonus: 'With a prize', preset_blank: 'Blank',
      basics: 'Basics', name_zh: 'Name (Chinese)', name_en: 'Name (English)', title_zh: 'Product (Chinese)', title_en: 'Product (English)', kind: 'Kind', prize_zh: 'Prize (Chinese)', prize_en: 'Prize (English)', prize_cost: 'Cost of a prize Z', profile: 'Profile', cost: 'Cost of the product C', fulfilment: 'Fulfilment',
      group: 'Group', price: 'Price P', seats: 'Seats N', winners: 'Winners W', by_number: 'A number', by_rate: 'A rate', by_chance: 'A chance', chance_p: 'Chance of each seat', chance_min: 'At least', chance_max: 'At most', everyone: 'Every seat buys the product; nothing is drawn', prizes_of: 'Prizes W', leader: 'Leader rule', leader_equal: 'equal (drawn like anyone)', leader_exempt: 'exempt (never drawn)', leader_buys: 'buys (always gets the product)', fill_within: 'Time to fill', payment_window: 'Time to pay', per_member: 'Seats per member', duration_hint: 'such as 24h, 5m, 90s',
      draw: 'Draw and channel', source: 'Beacon', source_default: 'the installation\'s', delay: 'Delay', fee: 'Channel fee', kept: 'The channel keeps its fee on refunds',
      rewards: 'Rewards', add_reward: 'Add a reward', remove: 'Remove', cash: 'Cash', coins: 'Coins', unless_won: 'Unless he won', per_recruit: 'Per recruited seat', from: 'Source', base: 'Base', fixed: 'Fixed sum', rates: 'Rates by generation', rates_hint: 'such as 5%, 5%, 5%', vip_depth: 'Generations by VIP', vip_hint: 'such as 0, 1, 2, 3 (from VIP 0)', limit: 'Limit', limit_none: 'none', limit_own: 'a cap of its own', limit_share: 'a shared cap',
      caps: 'Shared caps', add_cap: 'Add a cap', cap_name: 'Name', cap_limit: 'Amount',
      solvency: 'Solvency', solvency_text: 'The worst case of one group, term by term:', term: { sales: 'Sales', supplier: 'Supplier', prizes: 'Prizes', commission: 'Platform\'s commission', 'origin-share': 'Home stores\' shares', fees: 'Channel fees', rewards: 'Rewards', reserve: 'Reserve' }, shares: 'from {cap}',
      result: 'Left for the platform in the worst case', merchant: 'Left for the merchant in the worst case', home_stores: 'Home stores get at most', worst_of: 'Worst with {n} winner. | Worst with {n} winners.', floor: 'Margin floor', passes: 'Can be published', refused: 'Cannot be published', side: 'Printed beside it', returns: 'All buyers return', coins_face: 'All coins at face', expires: 'Expires with N−1 seats, channel keeps its fees', reserved: '{rate} reserved by the profile', left_covered: 'Left when that is covered',
      before: 'Covered before returns and coins', all_covered: 'Returns and coins are covered, too', broken_by: 'Broken by “{term}”, short by {by}', nearest: 'Nearest values that pass', use: 'Use', n_winners: '{v} winners', n_pair: '{winners} of {seats} win', n_price: 'price {v}', n_consolation: 'consolation {v}',
      preview: 'Preview the terms', publish: 'Publish', publish_ask: 'Once published it never changes. Publish?', published: 'Published as {id}', file: 'Campaign file', words: 'What members see', incomplete: 'Please correct the marked fields first', field_money: 'an amount such as 12.00', field_duration: 'a duration such as 24h', field_required: 'required', field_percent: 'a percentage such as 3%',
    },
  },
}
