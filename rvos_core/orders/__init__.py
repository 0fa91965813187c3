"""Orders: what a person wants delivered of a project, kept over restarts, planned and carried out. No Qt, no printing.

One entrance for the window and the command line: `plan_order` and `fulfil`.
"""

from rvos_core.orders.book import Entry, OrderBook, State
from rvos_core.orders.fulfilling import Fulfilled, fulfil
from rvos_core.orders.order import ANNOTATIONS, EFFECTS, MASKS, MATTE, OVERLAY, Order
from rvos_core.orders.planning import OrderPlan, forget_unfinished, plan_order
from rvos_core.orders.source import OrderSource, open_source

__all__ = [
    "ANNOTATIONS",
    "EFFECTS",
    "MASKS",
    "MATTE",
    "OVERLAY",
    "Entry",
    "Fulfilled",
    "Order",
    "OrderBook",
    "OrderPlan",
    "OrderSource",
    "State",
    "forget_unfinished",
    "fulfil",
    "open_source",
    "plan_order",
]
