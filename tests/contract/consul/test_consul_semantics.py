"""What election and stores rely on in Consul: of a real agent, and of the fake in its place."""

from __future__ import annotations

import pytest
from worlds import World

from bob.clients.consul import SERF_HEALTH, Consul, KvEntry, SessionGone

TTL = 1.0
LOCK_DELAY = 0.6


def entry(client: Consul, key: str) -> KvEntry:
    found = client.kv.get(key)
    assert found is not None
    return found


def session(world: World, lock_delay: float = 0.0, ttl: float = 60.0) -> str:
    return world.client.session.create("test", ttl=ttl, lock_delay=lock_delay, checks=[SERF_HEALTH])


# Keys


def test_a_key_is_stored_listed_and_deleted(world: World, key: str) -> None:
    kv = world.client.kv
    assert kv.get(key) is None
    assert kv.list(key) == ()
    assert kv.keys(key) == ()
    assert kv.put(f"{key}/b", "2", flags=7)
    assert kv.put(f"{key}/a", b"1")
    assert [(e.key, e.value, e.flags) for e in kv.list(key)] == [
        (f"{key}/a", b"1", 0),
        (f"{key}/b", b"2", 7),
    ]
    assert kv.keys(key) == (f"{key}/a", f"{key}/b")
    assert kv.delete(f"{key}/a")
    assert kv.delete(f"{key}/a")  # absence is no error
    assert kv.delete(key, recurse=True)
    assert kv.list(key) == ()


def test_cas_needs_the_index_of_the_entry(world: World, key: str) -> None:
    kv = world.client.kv
    assert kv.put(key, "1", cas=5) is False  # absent
    assert kv.put(key, "1", cas=0)
    assert kv.put(key, "2", cas=0) is False  # present
    first = entry(world.client, key)
    assert kv.put(key, "2", cas=first.modify_index)
    second = entry(world.client, key)
    assert second.modify_index > first.modify_index
    assert second.create_index == first.create_index == first.modify_index
    assert kv.put(key, "3", cas=first.modify_index) is False
    assert kv.delete(key, cas=first.modify_index) is False
    assert kv.delete(key, cas=second.modify_index)
    assert kv.get(key) is None
    assert kv.delete(key, cas=second.modify_index)  # what is gone counts as deleted


def test_an_unchanged_value_keeps_its_index(world: World, key: str) -> None:
    world.client.kv.put(key, "same")
    first = entry(world.client, key)
    world.client.kv.put(key, "same")
    assert entry(world.client, key) == first
    result = world.client.txn().cas(key, "same", first.modify_index).commit()
    assert result.ok
    assert entry(world.client, key) == first


# Transactions


def test_a_transaction_gives_the_entries_it_touched(world: World, key: str) -> None:
    holder = session(world)
    world.client.kv.acquire(f"{key}/lock", "me", holder)
    txn = world.client.txn().check_session(f"{key}/lock", holder).check_absent(f"{key}/a")
    result = txn.set(f"{key}/a", "1").cas(f"{key}/b", "2", 0).delete(f"{key}/nothing").commit()
    assert (result.ok, result.errors, result.failed) == (True, (), ())
    assert [e.key for e in result.entries] == [f"{key}/lock", f"{key}/a", f"{key}/b"]
    assert [e.value for e in result.entries] == [b"", b"", b""]
    written = {e.key: e.modify_index for e in world.client.kv.list(key)}
    assert {e.key: e.modify_index for e in result.entries} == written
    assert written[f"{key}/a"] == written[f"{key}/b"]  # one moment


def test_a_failed_check_undoes_all_and_every_failure_is_named(world: World, key: str) -> None:
    world.client.kv.put(f"{key}/a", "1")
    a = entry(world.client, f"{key}/a")
    txn = world.client.txn()
    txn.set(f"{key}/new", "x")  # 0
    txn.cas(f"{key}/a", "2", a.modify_index + 1)  # 1
    txn.cas(f"{key}/a", "2", 0)  # 2
    txn.delete_cas(f"{key}/a", a.modify_index + 1)  # 3
    txn.check_index(f"{key}/a", a.modify_index)  # 4
    txn.check_index(f"{key}/a", a.modify_index + 1)  # 5
    txn.check_index(f"{key}/absent", 1)  # 6
    txn.check_absent(f"{key}/a")  # 7
    txn.check_session(f"{key}/a", "no-such-session")  # 8
    txn.check_session(f"{key}/absent", "no-such-session")  # 9
    txn.delete_cas(f"{key}/absent", 1)  # 10
    result = txn.commit()
    assert not result.ok
    assert result.entries == ()
    assert result.failed == (1, 2, 3, 5, 6, 7, 8, 9)
    assert len(result.errors) == len(result.failed)
    assert world.client.kv.list(key) == (a,)


def test_a_transaction_deletes_what_begins_with_a_prefix(world: World, key: str) -> None:
    kv = world.client.kv
    for name in ("a/1", "a/2", "ab"):
        kv.put(f"{key}/{name}", "x")
    assert world.client.txn().delete_tree(f"{key}/a/").set(f"{key}/c", "x").commit().ok
    assert kv.keys(key) == (f"{key}/ab", f"{key}/c")
    assert world.client.txn().delete_tree(f"{key}/none/").commit().ok


def test_a_transaction_sees_what_it_did_before(world: World, key: str) -> None:
    txn = world.client.txn().set(key, "1").delete(key).check_absent(key).cas(key, "2", 0)
    assert txn.commit().ok
    assert entry(world.client, key).value == b"2"


def test_deleting_and_writing_move_a_record_at_once(world: World, key: str) -> None:
    world.client.kv.put(f"{key}/old", "1")
    index = entry(world.client, f"{key}/old").modify_index
    txn = world.client.txn().check_index(f"{key}/old", index)
    assert txn.delete(f"{key}/old").set(f"{key}/new", "1").commit().ok
    assert world.client.kv.keys(key) == (f"{key}/new",)


# Locks


def test_the_lock_index_counts_the_holders(world: World, key: str) -> None:
    first, second = session(world), session(world)
    kv = world.client.kv
    assert kv.acquire(key, "1", first)
    held = entry(world.client, key)
    assert (held.value, held.lock_index, held.session) == (b"1", 1, first)
    assert kv.acquire(key, "2", second) is False
    assert entry(world.client, key) == held
    assert kv.acquire(key, "1 again", first)
    again = entry(world.client, key)
    assert (again.value, again.lock_index, again.session) == (b"1 again", 1, first)
    assert again.modify_index > held.modify_index
    assert kv.release(key, "", second) is False
    assert kv.release(key, "left", first)
    free = entry(world.client, key)
    assert (free.value, free.lock_index, free.session) == (b"left", 1, "")
    assert kv.acquire(key, "left", second)
    taken = entry(world.client, key)
    assert (taken.lock_index, taken.session) == (2, second)
    assert taken.modify_index > free.modify_index


def test_a_plain_write_keeps_the_lock_but_not_its_count(world: World, key: str) -> None:
    holder = session(world)
    kv = world.client.kv
    assert kv.acquire(key, "1", holder)
    kv.put(key, "anybody may write")
    held = entry(world.client, key)
    assert (held.lock_index, held.session) == (0, holder)
    assert world.client.txn().check_session(key, holder).commit().ok


def test_a_deleted_key_forgets_its_lock(world: World, key: str) -> None:
    holder = session(world)
    kv = world.client.kv
    assert kv.acquire(key, "1", holder)
    kv.delete(key)
    assert not world.client.txn().check_session(key, holder).commit().ok
    kv.put(key, "2")
    assert (entry(world.client, key).lock_index, entry(world.client, key).session) == (0, "")


def test_the_guard_of_an_old_holder_fails(world: World, key: str) -> None:
    first, second = session(world), session(world)
    world.client.kv.acquire(key, "", first)
    assert world.client.txn().check_session(key, first).set(f"{key}/x", "first").commit().ok
    world.client.session.destroy(first)
    world.client.kv.acquire(key, "", second)
    result = world.client.txn().set(f"{key}/x", "late").check_session(key, first).commit()
    assert (result.ok, result.failed) == (False, (1,))
    assert entry(world.client, f"{key}/x").value == b"first"


def test_no_lock_delay_after_a_release(world: World, key: str) -> None:
    first, second = session(world, lock_delay=60), session(world)
    world.client.kv.acquire(key, "", first)
    world.client.kv.release(key, "", first)
    assert world.client.kv.acquire(key, "", second)


def test_a_lock_delay_after_a_session_ends(world: World, key: str) -> None:
    first, second = session(world, LOCK_DELAY), session(world)
    kv = world.client.kv
    kv.acquire(key, "1", first)
    held = entry(world.client, key)
    world.client.session.destroy(first)
    free = entry(world.client, key)
    assert (free.session, free.lock_index, free.value) == ("", 1, b"1")
    assert free.modify_index > held.modify_index
    waited = world.seconds_until(lambda: kv.acquire(key, "2", second), limit=10)
    assert waited >= LOCK_DELAY / 2  # some of it went by before the first attempt
    assert entry(world.client, key).lock_index == 2


# Sessions


def test_a_session_is_described(world: World) -> None:
    made = session(world, lock_delay=1.5, ttl=30)
    info = world.client.session.info(made)
    assert info is not None
    assert (info.id, info.name, info.node) == (made, "test", "host11")
    assert (info.ttl, info.lock_delay, info.behavior) == (30, 1.5, "release")
    assert info.checks == (SERF_HEALTH,)
    world.client.session.destroy(made)
    assert world.client.session.info(made) is None
    world.client.session.destroy(made)  # no error


def test_a_session_that_ended_is_told_by_name(world: World, key: str) -> None:
    made = session(world)
    world.client.session.renew(made)
    world.client.session.destroy(made)
    with pytest.raises(SessionGone, match=made):
        world.client.session.renew(made)
    with pytest.raises(SessionGone, match=made):
        world.client.kv.acquire(key, "", made)
    assert world.client.kv.get(key) is None


def test_a_silent_session_ends_after_one_to_two_ttl(world: World, key: str) -> None:
    made = session(world, ttl=TTL)
    world.client.kv.acquire(key, "", made)
    waited = world.seconds_until(lambda: not entry(world.client, key).session, limit=10)
    assert TTL * 0.9 <= waited <= TTL * 2 + 1.5  # a real agent may be late
    with pytest.raises(SessionGone):
        world.client.session.renew(made)


def test_a_renewed_session_stays(world: World) -> None:
    made = session(world, ttl=TTL)
    end = world.clock.now() + 3 * TTL

    def renewed_long_enough() -> bool:
        world.client.session.renew(made)
        return world.clock.now() > end

    world.seconds_until(renewed_long_enough, limit=10)


# Blocking reads


def test_a_blocking_read_returns_when_the_key_changes(world: World, key: str) -> None:
    kv = world.client.kv
    kv.put(key, "1")
    first = kv.read(key)
    world.later(0.3, lambda: kv.put(key, "2"))
    began = world.clock.now()
    second = kv.read(key, index=first.index, wait=20)
    assert second.value is not None
    assert second.value.value == b"2"
    assert second.index > first.index
    assert 0.1 < world.clock.now() - began < 10


def test_a_blocking_read_of_an_absent_key_returns_when_it_appears(world: World, key: str) -> None:
    kv = world.client.kv
    first = kv.read(key)
    assert first.value is None
    world.later(0.3, lambda: kv.put(key, "1"))

    def appeared() -> bool:
        return kv.read(key, index=first.index, wait=5).value is not None

    world.seconds_until(appeared, limit=20)


def test_a_blocking_read_returns_unchanged_when_its_time_is_over(world: World, key: str) -> None:
    kv = world.client.kv
    kv.put(key, "1")
    first = kv.read(key)
    assert kv.read(key, index=first.index, wait=0.3) == first


def test_a_blocking_read_notices_the_loss_of_a_lock(world: World, key: str) -> None:
    made = session(world)
    kv = world.client.kv
    kv.acquire(key, "", made)
    first = kv.read(key)
    world.later(0.3, lambda: world.client.session.destroy(made))
    second = kv.read(key, index=first.index, wait=20)
    assert second.value is not None
    assert second.value.session == ""


def test_a_blocking_read_of_a_folder_notices_a_deletion(world: World, key: str) -> None:
    kv = world.client.kv
    kv.put(f"{key}/a", "1")
    kv.put(f"{key}/b", "2")
    first = kv.read_all(f"{key}/")
    world.later(0.3, lambda: kv.delete(f"{key}/a"))
    second = kv.read_all(f"{key}/", index=first.index, wait=20)
    assert [e.key for e in second.value] == [f"{key}/b"]
    assert second.index > first.index
