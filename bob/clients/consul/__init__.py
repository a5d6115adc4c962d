"""A typed client of one Consul datacenter's HTTP API."""

from bob.clients.consul.acl import Acl
from bob.clients.consul.acl_entries import (
    AuthMethod,
    BindingRule,
    Policy,
    Role,
    Token,
    TokenInfo,
)
from bob.clients.consul.agent import Agent, Member, MemberStatus
from bob.clients.consul.catalog import SERF_HEALTH, Catalog, CatalogNode, Check, ServiceInstance
from bob.clients.consul.client import Consul
from bob.clients.consul.event import Event
from bob.clients.consul.kv import Indexed, Kv, KvEntry
from bob.clients.consul.operator import Keyring, Operator
from bob.clients.consul.session import Session, SessionGone, SessionInfo
from bob.clients.consul.txn import Txn, TxnOperation, TxnResult

__all__ = [
    "SERF_HEALTH",
    "Acl",
    "Agent",
    "AuthMethod",
    "BindingRule",
    "Catalog",
    "CatalogNode",
    "Check",
    "Consul",
    "Event",
    "Indexed",
    "Keyring",
    "Kv",
    "KvEntry",
    "Member",
    "MemberStatus",
    "Operator",
    "Policy",
    "Role",
    "ServiceInstance",
    "Session",
    "SessionGone",
    "SessionInfo",
    "Token",
    "TokenInfo",
    "Txn",
    "TxnOperation",
    "TxnResult",
]
