//! 运营后台的中文。

export const consoleZh = {
  console: {
    title: '运营后台', sign_in: '登录', name: '名称', password: '密码', sign_out: '退出', shop: '打开商城', reason: '原因（会记入决定列表）', refresh: '刷新', more: '加载更多', all: '全部',
    demo: '演示环境',
    nav: { groups: '团', campaigns: '活动', form: '新建活动', orders: '订单', books: '账簿', ledger: '分录' },
    groups: { title: '团', state: '状态', id: '编号', campaign: '活动', filled: '进度', leader: '团长', opened: '开团', expires: '到期', act: '操作', cancel: '取消', cancel_ask: '取消第 {id} 团？已付款的全部原路退回，没有任何奖励。', cancelled: '已取消', draw: '抽取' },
    campaigns: { title: '已发布的活动', add: '新建活动', price: '价格', kind: '种类', seats: '名额与抽取', open: '在拼', terms: '条款' },
    orders: { title: '订单', id: '编号', product: '商品', prize: '连同奖品：{prize}', group: '团', member: '会员', price: '价格', state: '状态', at: '成交', ship: '发货', carrier: '快递公司', number: '快递单号', shipped: '已登记发货', need_both: '请填写快递公司和单号', take_back: '已收到退货', take_back_ask: '确认收到退货？{price} 全额原路退给买家，不能撤回。', taken_back: '已登记，款项原路退回' },
    books: {
      channel: '支付渠道自报', channel_silent: '渠道没有回答，稍后再看。', channel_held: '渠道自报余额', channel_difference: '差额', channel_ours: '按我方账簿应有（不含自有资金入账与手续费）',
      channel_is: { equal: '一致。', on_its_way: '有退款或通知在途，差额可能由此而来。', channel_has_more: '无在途款项，渠道多出款项：我方未收到通知的付款，如接入方未上报的订单。', channel_has_less: '无在途款项，渠道少了款项：请立即核查。' },
      title: '账簿', alarm: '警报：平台自有资金低于零，已停止发布。', held: '持有', held_text: '渠道与银行里的钱', owed: '应付', owed_text: '欠会员、供应商与在途退款', own: '自有资金', own_text: '持有 − 应付', coins: '未用购物币', flight: '在途退款', members_owe: '会员欠款（收回的奖励，不计入持有）',
      trial: '试算平衡', account: '科目', asset: '资产', debit: '借', credit: '贷', total: '合计', difference: '借 − 贷', zero: '平衡：差额为零', not_zero: '不平衡！差额必须为零', owed_kind: '应付明细',
      deposit: '存入资本', deposit_text: '记录发起方存入渠道账户的自有资金。', deposited: '已记录', waits: '已提交：须另一位运营人员或财务批准后才记录', amount_bad: '请填写金额，如 10000.00',
    },
    ledger: { title: '分录', account: '科目', holder: '持有者', seq: '序号', at: '时间', event: '事件', debit: '借', credit: '贷', asset: '资产', search: '查询', holder_hint: '会员或团的编号' },
    account: {
      channel: '渠道', escrow: '团内托管', 'refunds-due': '应退款', available: '可用余额', vesting: '待解冻', suppliers: '应付供应商', 'dividend-pool': '分红池', 'merchant-vesting': '商家待结', 'merchant-payable': '应付商家', 'merchant-owes': '商家欠款', 'merchant-stated': '商家已出账待付', commission: '佣金收入', 'entry-fees': '入驻费收入', 'counter-take': '到店收入', 'origin-shares': '锁客分成支出', capital: '资本', sales: '销售', 'cost-of-goods': '商品成本', rewards: '奖励支出', 'channel-fees': '渠道费', 'coins-issued': '已发购物币', coins: '购物币',
    },
    form: {
      title: '新建活动', preset: '从例子开始', preset_e0: '五人团（例 E0）', preset_e2: '百人团（例 E2）', preset_everyone: '普通拼团', preset_bonus: '拼团加赠', preset_blank: '空白',
      basics: '基本', name_zh: '名称（中文）', name_en: '名称（英文）', title_zh: '商品（中文）', title_en: '商品（英文）', kind: '种类', prize_zh: '奖品（中文）', prize_en: '奖品（英文）', prize_cost: '奖品成本 Z', profile: '合规档案', cost: '商品成本 C', fulfilment: '交付',
      group: '团', price: '价格 P', seats: '名额 N', winners: '中奖 W', by_number: '按个数', by_rate: '按比率', by_chance: '按机会', chance_p: '每席机会', chance_min: '至少', chance_max: '至多', everyone: '每个名额都买到商品，不抽取', prizes_of: '奖品数 W', leader: '团长规则', leader_equal: '同等（参加抽取）', leader_exempt: '豁免（不参加抽取）', leader_buys: '必得（一定得到商品）', fill_within: '拼团时限', payment_window: '付款时限', per_member: '每人名额', duration_hint: '如 24h、5m、90s',
      draw: '抽取与渠道', source: '随机数来源', source_default: '按安装的设置', delay: '延迟', fee: '渠道费率', kept: '退款时渠道不退手续费',
      rewards: '奖励', add_reward: '添加奖励', remove: '删除', cash: '现金', coins: '购物币', unless_won: '自己中奖则没有', per_recruit: '每介绍一个名额', from: '来源', base: '基数', fixed: '固定金额', rates: '各代比率', rates_hint: '如 5%，5%，5%', vip_depth: 'VIP 可得代数', vip_hint: '如 0，1，2，3（VIP 0 起）', limit: '上限', limit_none: '无', limit_own: '单独上限', limit_share: '共用上限',
      caps: '共用上限', add_cap: '添加上限', cap_name: '名称', cap_limit: '金额',
      solvency: '偿付核算', solvency_text: '按每团最坏情况，逐项：', term: { sales: '买家货款', supplier: '供应商', prizes: '奖品', commission: '平台佣金', 'origin-share': '锁客分成', fees: '渠道费', rewards: '奖励', reserve: '准备金' }, shares: '共用 {cap}',
      result: '平台最坏情况余额', merchant: '商家最坏情况余额', home_stores: '锁客门店至多', worst_of: '其中中奖 {n} 个时最坏。', floor: '毛利下限', passes: '可以发布', refused: '不能发布', side: '一并列出', returns: '全部买家退货', some_return: '{n} 个买家退货时更少', coins_face: '全部购物币按面值', returns_coins: '任意退货并按面值计购物币（退回商品按成本）', expires: 'N−1 名额时到期且渠道不退费', reserved: '档案要求留足 {rate}', left_covered: '留足之后的余额',
      before: '覆盖的是退货与购物币之前的承诺', all_covered: '已按全部退货、按全部购物币面值各自覆盖；两者同时发生或部分退货见上', broken_by: '由「{term}」导致，差 {by}', nearest: '可以通过的最近取值', use: '改为', n_winners: '中奖 {v}', n_pair: '{seats} 个名额，中奖 {winners}', n_price: '价格 {v}', n_consolation: '参与奖 {v}',
      preview: '预览条款', publish: '发布', publish_ask: '发布后永不更改。确定发布？', published: '已发布，编号 {id}', file: '活动文件', words: '会员看到的', incomplete: '请先改正标出的字段', field_money: '金额，如 12.00', field_duration: '时长，如 24h', field_required: '必填', field_percent: '百分比，如 3%',
    },
  },
}
export type ConsoleMessages = typeof consoleZh
