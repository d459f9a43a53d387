//! The task queues' threads and those who use them.

use std::sync::Arc;
use std::time::Duration;

use durable_queue::fake::Dice;
use durable_queue::queue::{CloseError, PutError, SettleError, TakeError};
use durable_queue::{QueueOptions, Task};
use shuttle::thread::{JoinHandle, spawn};

use crate::queue_client::{Client, NAME, options};
use crate::world::World;

/// How long waits with an end last. Nobody waits: see `schedules-sync`.
const TIME: Duration = Duration::from_secs(1);

/// Waits until a thread has ended.
fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|_| panic!("a thread panicked"))
}

/// One of the ways in which queues are kept.
fn some_options(world: &World) -> QueueOptions {
    let options = options();
    let options = match world.below(5) {
        0 | 1 => options,
        2 => options.fsync_take(true),
        3 => options.fsync_put(false),
        _ => options.fsync_threshold(3).fsync_interval(TIME),
    };
    if world.one_in(2) { options.max_queue_size(1) } else { options }
}

/// Puts a task; with an end to the waiting, again and again.
fn put(client: &Client, dice: &mut Dice, text: &str, len: usize) -> Result<(), PutError> {
    let has_timeout = dice.one_in(3);
    loop {
        let was_put = client.put(text, len, |queues, name, task| {
            if has_timeout {
                queues.put_timeout(name, task, TIME)
            } else {
                queues.put(name, task).map(|()| true)
            }
        })?;
        if was_put {
            return Ok(());
        }
    }
}

fn take(client: &Client, dice: &mut Dice) -> Result<Task, TakeError> {
    if dice.one_in(3) {
        loop {
            if let Some(task) = client.queues.take_timeout(NAME, TIME)? {
                return Ok(task);
            }
        }
    }
    client.queues.take(NAME)
}

/// Does something with a task: mostly completes it.
fn settle(client: &Client, dice: &mut Dice, task: Task) -> Result<(), SettleError> {
    client.delivered(&task);
    match dice.below(8) {
        // Somebody may complete it, and close the queues, before this returns.
        0 => match task.retry() {
            Err(SettleError::Closed) => Ok(()),
            retried => retried,
        },
        1 => {
            drop(task);
            Ok(())
        }
        2 => client.complete(task, true, Task::complete_durable),
        _ => client.complete(task, false, Task::complete),
    }
}

/// Tasks go from producers to consumers, each to one of them; the last one closes the queues, for which the others wait.
pub fn handing_over() {
    const PRODUCERS: u64 = 2;
    const EACH: u64 = 2;
    let world = World::begin();
    // Where tasks are durable when put, the power may go at any time.
    let is_durable = world.one_in(2);
    let options = if is_durable { options() } else { some_options(&world) };
    let client = Client::open(&world, options);
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let (client, mut dice) = (Arc::clone(&client), world.dice());
            spawn(move || {
                let cut_after = dice.below(EACH * 3);
                for n in 0..EACH {
                    put(&client, &mut dice, &format!("{producer}-{n}"), 20).unwrap();
                    if is_durable && n == cut_after {
                        client.cut_power();
                    }
                }
            })
        })
        .collect();
    let consumers: Vec<_> = (0..2)
        .map(|_| {
            let (client, mut dice) = (Arc::clone(&client), world.dice());
            spawn(move || {
                loop {
                    match take(&client, &mut dice) {
                        Ok(task) => settle(&client, &mut dice, task).unwrap(),
                        Err(TakeError::Closed) => return,
                        Err(error) => panic!("{error}"),
                    }
                    if is_durable && dice.one_in(8) {
                        client.cut_power();
                    }
                    if client.completed() as u64 == PRODUCERS * EACH {
                        client.queues.close().unwrap();
                        assert_eq!(schedules_sync::thread::running(), 0, "threads outlive closing");
                    }
                }
            })
        })
        .collect();
    // Takes one, gives it back, and leaves it to those who wait.
    let giver = {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        spawn(move || match take(&client, &mut dice) {
            Ok(task) => {
                client.delivered(&task);
                drop(task);
            }
            Err(TakeError::Closed) => {}
            Err(error) => panic!("{error}"),
        })
    };
    for thread in producers.into_iter().chain(consumers).chain([giver]) {
        join(thread);
    }
    client.check_cuts(&world);
    client.check_closed(&world);
}

/// Two close the queues at once, while others wait for a task and for room, put, complete, and sync.
pub fn closing() {
    let world = World::begin();
    let client = Client::open(&world, some_options(&world));
    let mut threads = Vec::new();
    for producer in 0..2 {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        threads.push(spawn(move || {
            for n in 0..2 {
                let text = format!("{producer}-{n}");
                match put(&client, &mut dice, &text, 20) {
                    Ok(()) => {}
                    Err(PutError::Closed) => client.refused(&text),
                    Err(error) => panic!("{error}"),
                }
            }
        }));
    }
    for _ in 0..2 {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        threads.push(spawn(move || {
            loop {
                let task = match take(&client, &mut dice) {
                    Ok(task) => task,
                    Err(TakeError::Closed) => return,
                    Err(error) => panic!("{error}"),
                };
                match settle(&client, &mut dice, task) {
                    Ok(()) | Err(SettleError::Closed) => {}
                    Err(error) => panic!("{error}"),
                }
                if dice.one_in(4) {
                    let _ = client.queues.fsync();
                }
            }
        }));
    }
    for _ in 0..2 {
        let client = Arc::clone(&client);
        threads.push(spawn(move || {
            client.queues.close().unwrap();
            assert_eq!(schedules_sync::thread::running(), 0, "threads outlive closing");
        }));
    }
    for thread in threads {
        join(thread);
    }
    client.check_closed(&world);
}

/// A write or a sync fails: everybody is refused, nobody waits, and what was durable is there.
pub fn latch() {
    let world = World::begin();
    let options = if world.one_in(2) { options().max_queue_size(1) } else { options() };
    let client = Client::open(&world, options);
    world.fail_one(10);
    let mut threads = Vec::new();
    for producer in 0..2 {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        threads.push(spawn(move || {
            for n in 0..3 {
                match put(&client, &mut dice, &format!("{producer}-{n}"), 3000) {
                    Ok(()) => {}
                    Err(PutError::Failed(_)) => return true,
                    Err(PutError::Closed) => return false,
                    Err(error) => panic!("{error}"),
                }
            }
            client.cut_power();
            false
        }));
    }
    for _ in 0..2 {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        threads.push(spawn(move || {
            loop {
                let task = match take(&client, &mut dice) {
                    Ok(task) => task,
                    Err(TakeError::Failed(_)) => return true,
                    Err(TakeError::Closed) => return false,
                    Err(error) => panic!("{error}"),
                };
                client.delivered(&task);
                match client.complete(task, true, Task::complete_durable) {
                    Ok(()) => {}
                    Err(SettleError::Failed(_)) => return true,
                    Err(SettleError::Closed) => return false,
                    Err(error) => panic!("{error}"),
                }
                if client.completed() == 6 {
                    // Nothing failed, or will.
                    let _ = client.queues.close();
                }
            }
        }));
    }
    let mut has_failed = false;
    for thread in threads {
        has_failed |= join(thread);
    }
    let closed = client.queues.close();
    assert_eq!(schedules_sync::thread::running(), 0, "threads outlive closing");
    match closed {
        Err(CloseError::Failed(_)) => {}
        // Closed before by whoever completed the last one.
        Ok(()) => assert!(!has_failed || client.completed() == 6, "closing told nothing of the failure"),
        Err(error) => panic!("{error}"),
    }
    client.cut_power();
    client.check_cuts(&world);
}

/// Old slabs with a single task left are emptied while that task is taken, given back, retried or completed.
pub fn moving() {
    const TASKS: u64 = 8;
    let world = World::begin();
    let client = Client::open(&world, options());
    let mut dice = world.dice();
    for n in 0..TASKS {
        put(&client, &mut dice, &format!("old-{n}"), 4500).unwrap();
    }
    let held = client.queues.take(NAME).unwrap();
    let others: Vec<_> = (1..TASKS).map(|_| client.queues.take(NAME).unwrap()).collect();
    let holder = {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        spawn(move || {
            settle(&client, &mut dice, held).unwrap();
            while let Some(task) = client.queues.try_take(NAME).unwrap() {
                settle(&client, &mut dice, task).unwrap();
            }
        })
    };
    let cutter = world.below(TASKS * 2);
    for (n, task) in (0_u64..).zip(others) {
        client.delivered(&task);
        client.complete(task, false, Task::complete).unwrap();
        if n == cutter {
            client.cut_power();
        }
    }
    let putter = {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        spawn(move || {
            put(&client, &mut dice, "new", 4500).unwrap();
            client.cut_power();
        })
    };
    join(holder);
    join(putter);
    client.queues.close().unwrap();
    assert_eq!(schedules_sync::thread::running(), 0, "threads outlive closing");
    client.check_cuts(&world);
    client.check_closed(&world);
}

/// A queue is deleted while others put, take and wait there.
pub fn deleting() {
    let world = World::begin();
    let client = Client::open(&world, options().max_queue_size(1));
    let mut threads = Vec::new();
    for producer in 0..2 {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        threads.push(spawn(move || {
            for n in 0..2 {
                match put(&client, &mut dice, &format!("{producer}-{n}"), 20) {
                    Ok(()) | Err(PutError::Closed) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }));
    }
    let taker = {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        spawn(move || {
            loop {
                match take(&client, &mut dice) {
                    Ok(task) => {
                        client.delivered(&task);
                        match client.complete(task, false, Task::complete) {
                            Ok(()) | Err(SettleError::Closed) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                    Err(TakeError::Closed) => return,
                    Err(error) => panic!("{error}"),
                }
            }
        })
    };
    client.queues.delete_queue(NAME).unwrap();
    for thread in threads {
        join(thread);
    }
    client.queues.delete_queue(NAME).unwrap();
    client.queues.close().unwrap();
    join(taker);
    assert_eq!(schedules_sync::thread::running(), 0, "threads outlive closing");
    client.check_deleted(&world);
}
