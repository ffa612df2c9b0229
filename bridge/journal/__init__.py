"""The journal: what was observed, what it made of the payments, and the events that followed, in one durable order.

It knows nothing of HTTP, sockets or providers. State, deduplication key and events of one request are committed in
one transaction by a single writer; whoever fans out reads the tail.
"""

from bridge.journal.dispatcher import Deliver, Dispatcher
from bridge.journal.errors import (
    ChainFollowedElsewhereError,
    EndpointsExhaustedError,
    IdempotencyKeyReusedError,
    JournalBusyElsewhereError,
    JournalDamagedError,
    JournalReplacedError,
    JournalUnavailableError,
    JournalUrlError,
    OffsetElsewhereError,
    OffsetLostError,
    OffsetUnreadableError,
    PaymentConflictError,
    PayoutRefusedError,
)
from bridge.journal.journal import Journal
from bridge.journal.queries.addresses import OwnAddress
from bridge.journal.queries.books import BookFilter, BookPlace, ListedEntry
from bridge.journal.queries.chains import ChainAlarm, UnmatchedTransfer
from bridge.journal.queries.coins import WaitedCoin
from bridge.journal.queries.connections import ConnectedClient
from bridge.journal.queries.console import (
    TOTAL_LIMIT,
    ConsoleFilter,
    ListedPayment,
    ListedPayout,
    PageEnd,
    StoredWebhook,
    UnmatchedWebhook,
)
from bridge.journal.queries.dated_notices import DatedNotice
from bridge.journal.queries.endpoints import DueDelivery
from bridge.journal.queries.histories import ForgottenRow
from bridge.journal.queries.own import OwnFilter, Party
from bridge.journal.queries.payments import DuePayment, HistoryEntry, PaymentRecord
from bridge.journal.queries.payouts import PayoutHistoryEntry, PayoutRecord
from bridge.journal.queries.problems import TroubledPayment, UnopenedCounts, UnopenedInvoice
from bridge.journal.queries.refunds import ListedRefund
from bridge.journal.queries.rooms import Stretch
from bridge.journal.queries.totals import DayTotals
from bridge.journal.queries.unfinished import CompletedPayment, EndedPayment
from bridge.journal.queries.unreadable import NotedRow
from bridge.journal.records.activities import ActivityRecords, ActivitySnapshot
from bridge.journal.records.alerts import AlertRecords, AlertStep
from bridge.journal.records.books import BookRecords
from bridge.journal.records.chains import ChainRecords
from bridge.journal.records.console import ConsoleRecords, ForAPerson
from bridge.journal.records.endpoints import EndpointRecords
from bridge.journal.records.nodes import Lease, NodeRecords, NodeReport
from bridge.journal.requests.chains import ChainCommit, CommittedStep
from bridge.journal.requests.drafts import Draft
from bridge.journal.requests.endpoints import EndpointWanted, RegisteredEndpoint
from bridge.journal.requests.holds import ResumedPayouts
from bridge.journal.requests.payments import IdempotencyKey, Registered
from bridge.journal.requests.payouts.recording import KeyedObservation, observation_key
from bridge.journal.requests.refunds import OpenedRefund
from bridge.journal.requests.rulings import ruling_key
from bridge.journal.tables.rows import JournaledEvent, NodeActivity
from bridge.journal.tables.unreadable_rows import RowKind, UnreadableRow, UnreadableRowError, all_read
from bridge.journal.wakeups import (
    ACTIVITIES,
    ALERTS,
    DEADLINES,
    LEASES,
    NETWORK_FEES,
    OPENING_INVOICES,
    SENDING_EVENTS,
    SENDING_PAYOUTS,
    asking_chain,
    following_chain,
)
from bridge.journal.writing.commit_times import Commit, CommitTimes
from bridge.journal.writing.histories import HistoryRecord
from bridge.journal.writing.outcomes import Outcome, Recorded
from bridge.journal.writing.staged.actions import Action, waiting_name
from bridge.journal.writing.staged.activities import ENDED_RETENTION
from bridge.journal.writing.staged.chains import StagedTransfer
from bridge.journal.writing.staged.destinations import AllowedDestination
from bridge.journal.writing.staged.due_look_ups import DueLookUp
from bridge.journal.writing.staged.sessions import Exchanges

__all__ = [
    "ACTIVITIES",
    "ALERTS",
    "DEADLINES",
    "ENDED_RETENTION",
    "LEASES",
    "NETWORK_FEES",
    "OPENING_INVOICES",
    "SENDING_EVENTS",
    "SENDING_PAYOUTS",
    "TOTAL_LIMIT",
    "Action",
    "ActivityRecords",
    "ActivitySnapshot",
    "AlertRecords",
    "AlertStep",
    "AllowedDestination",
    "BookFilter",
    "BookPlace",
    "BookRecords",
    "ChainAlarm",
    "ChainCommit",
    "ChainFollowedElsewhereError",
    "ChainRecords",
    "Commit",
    "CommitTimes",
    "CommittedStep",
    "CompletedPayment",
    "ConnectedClient",
    "ConsoleFilter",
    "ConsoleRecords",
    "DatedNotice",
    "DayTotals",
    "Deliver",
    "Dispatcher",
    "Draft",
    "DueDelivery",
    "DueLookUp",
    "DuePayment",
    "EndedPayment",
    "EndpointRecords",
    "EndpointWanted",
    "EndpointsExhaustedError",
    "Exchanges",
    "ForAPerson",
    "ForgottenRow",
    "HistoryEntry",
    "HistoryRecord",
    "IdempotencyKey",
    "IdempotencyKeyReusedError",
    "Journal",
    "JournalBusyElsewhereError",
    "JournalDamagedError",
    "JournalReplacedError",
    "JournalUnavailableError",
    "JournalUrlError",
    "JournaledEvent",
    "KeyedObservation",
    "Lease",
    "ListedEntry",
    "ListedPayment",
    "ListedPayout",
    "ListedRefund",
    "NodeActivity",
    "NodeRecords",
    "NodeReport",
    "NotedRow",
    "OffsetElsewhereError",
    "OffsetLostError",
    "OffsetUnreadableError",
    "OpenedRefund",
    "Outcome",
    "OwnAddress",
    "OwnFilter",
    "PageEnd",
    "Party",
    "PaymentConflictError",
    "PaymentRecord",
    "PayoutHistoryEntry",
    "PayoutRecord",
    "PayoutRefusedError",
    "Recorded",
    "Registered",
    "RegisteredEndpoint",
    "ResumedPayouts",
    "RowKind",
    "StagedTransfer",
    "StoredWebhook",
    "Stretch",
    "TroubledPayment",
    "UnmatchedTransfer",
    "UnmatchedWebhook",
    "UnopenedCounts",
    "UnopenedInvoice",
    "UnreadableRow",
    "UnreadableRowError",
    "WaitedCoin",
    "all_read",
    "asking_chain",
    "following_chain",
    "observation_key",
    "ruling_key",
    "waiting_name",
]
