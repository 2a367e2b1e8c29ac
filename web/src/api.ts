//! The server's HTTP interface, one function an endpoint.

import { type SendOptions, get, getBytes, post } from './http'
import type * as T from './types'

type Cursor = { cursor?: string | null; limit?: number }
type Keyed = Pick<SendOptions, 'key'>
const at = encodeURIComponent
/** Answered from the directory or the writer itself: always up to date. */
const PLAIN = { plain: true }

export const api = {
  platform: () => get<T.Platform>('/platform', PLAIN),

  requestCode: (phone: string) => post('/sign-in/codes', { phone }),
  signIn: (phone: string, code: string, invite: string | null) =>
    post<{ member: T.Member }>('/sign-in', invite === null ? { phone, code } : { phone, code, invite }),
  signOut: () => post('/sign-out'),
  me: () => get<T.Member>('/me', PLAIN),
  regions: () => get<{ items: T.RegionName[] }>('/regions', PLAIN),
  declareRegion: (region: string, keyed: Keyed = {}) => post<{ seq: string }>('/me/region', { region }, keyed),
  ownDelivery: () => get<T.OwnDelivery>('/me/delivery', PLAIN),
  setDelivery: (delivery: T.Delivery, keyed: Keyed = {}) => post<T.OwnDelivery>('/me/delivery', delivery, keyed),
  removeDelivery: (keyed: Keyed = {}) => post<T.OwnDelivery>('/me/delivery/remove', {}, keyed),
  myGroups: (query: Cursor = {}) => get<T.Page<T.MyGroup>>('/me/groups', { query }),
  walletLines: (account: T.WalletAccount, query: Cursor = {}) =>
    get<T.Page<T.WalletLine>>('/me/wallet/lines', { query: { account, ...query } }),
  myRefunds: (query: Cursor = {}) => get<T.RefundsDue>('/me/refunds', { query }),
  myOrders: (query: Cursor = {}) => get<T.Page<T.Order>>('/me/orders', { query }),
  notices: (query: Cursor = {}) => get<T.Inbox>('/me/notices', { query }),
  readNotices: (seen: string) => post('/me/notices/read', { seen }),
  returnOrder: (id: T.Id, keyed: Keyed = {}) => post<{ seq: string }>(`/orders/${at(id)}/return`, {}, keyed),
  orderCode: (id: T.Id) => get<T.FetchCode>(`/orders/${at(id)}/code`, PLAIN),
  takeBackOrder: (id: T.Id, reason: string, keyed: Keyed = {}) =>
    post<{ seq: string }>(`/orders/${at(id)}/take-back`, { reason }, keyed),
  receiveOrder: (id: T.Id, keyed: Keyed = {}) => post<{ seq: string }>(`/orders/${at(id)}/receive`, {}, keyed),

  campaigns: (query: Cursor = {}) => get<T.Page<T.CampaignCard>>('/campaigns', { query }),
  campaign: (id: T.Id) => get<T.Campaign>(`/campaigns/${at(id)}`),
  publishedUrl: (id: T.Id) => `/api/v1/campaigns/${at(id)}/published`,
  published: (id: T.Id) => getBytes(`/campaigns/${at(id)}/published`),
  campaignGroups: (id: T.Id, query: Cursor & { state?: T.GroupState } = {}) =>
    get<T.Page<T.GroupCard>>(`/campaigns/${at(id)}/groups`, { query }),

  openGroup: (campaign: T.Id, via: string | null, keyed: Keyed = {}) =>
    post<{ group: T.Id; payment: T.PaymentLink; registered: boolean; seq: string }>(
      `/campaigns/${at(campaign)}/groups`, via === null ? {} : { via }, keyed),
  openRound: (circle: T.Id, keyed: Keyed = {}) =>
    post<{ group: T.Id; payment: T.PaymentLink; seq: string }>(`/circles/${at(circle)}/groups`, {}, keyed),
  group: (id: T.Id) => get<T.Group>(`/groups/${at(id)}`),
  join: (group: T.Id, via: string | null, keyed: Keyed = {}) =>
    post<{ payment: T.PaymentLink; registered: boolean; seq: string }>(`/groups/${at(group)}/seats`, via === null ? {} : { via }, keyed),
  leave: (group: T.Id, keyed: Keyed = {}) => post<{ seq: string }>(`/groups/${at(group)}/leave`, {}, keyed),
  eventsUrl: (group: T.Id) => `/api/v1/groups/${at(group)}/events`,
  payment: (id: T.Id, refresh: boolean) =>
    get<T.Payment>(`/payments/${at(id)}`, { query: { refresh: refresh || undefined } }),

  draw: (group: T.Id) => get<T.DrawInfo>(`/groups/${at(group)}/draw`),
  drawFileUrl: (group: T.Id, file: T.DrawFile) => `/api/v1/groups/${at(group)}/draw/${file}`,
  drawFile: (group: T.Id, file: T.DrawFile) => getBytes(`/groups/${at(group)}/draw/${file}`),
  beaconFile: () => getBytes('/beacon/file'),

  demoInbox: (phone: string) =>
    get<T.Page<T.DemoCode>>('/demo/inbox', { query: { phone }, plain: true }),

  operatorSignIn: (name: string, password: string) => post<T.Operator>('/operator/sign-in', { name, password }),
  operatorSignOut: () => post('/operator/sign-out'),
  operator: () => get<T.Operator>('/operator/me', PLAIN),
  checkCampaign: (file: T.CampaignFile, signal?: AbortSignal) =>
    post<T.CheckAnswer>('/campaigns/check', file, { signal }),
  publishCampaign: (file: T.CampaignFile, reason: string, keyed: Keyed = {}) =>
    post<{ id: T.Id; hash: string; seq: string }>('/campaigns', file, { ...keyed, query: { reason } }),
  consoleGroups: (query: Cursor & { state?: T.GroupState } = {}) =>
    get<T.Page<T.GroupCard>>('/console/groups', { query }),
  cancelGroup: (id: T.Id, reason: string, keyed: Keyed = {}) =>
    post<{ seq: string }>(`/groups/${at(id)}/cancel`, { reason }, keyed),
  consoleOrders: (query: Cursor & { state?: string } = {}) => get<T.Page<T.ConsoleOrder>>('/console/orders', { query }),
  shipOrder: (id: T.Id, carrier: string, number: string, keyed: Keyed = {}) =>
    post<{ seq: string }>(`/orders/${at(id)}/ship`, { carrier, number }, keyed),
  books: () => get<T.Books>('/books'),
  /** Where there is somebody else who can approve it, it waits for him. */
  depositCapital: (amount: T.Money, reason: string, keyed: Keyed = {}) =>
    post<{ seq: string } | { approval: T.Id }>('/capital', { amount, reason }, keyed),
  ledger: (query: Cursor & { account?: string; holder?: string } = {}) =>
    get<T.Page<T.LedgerLine>>('/ledger', { query }),
}
