// SPDX-License-Identifier: MIT
//! Scenarios against the gateway: no sockets, no links, one file per feature.

#[path = "support/world.rs"]
mod world;

#[path = "core/asking.rs"]
mod asking;
#[path = "core/batches.rs"]
mod batches;
#[path = "core/between_eras.rs"]
mod between_eras;
#[path = "core/caching.rs"]
mod caching;
#[path = "core/calls.rs"]
mod calls;
#[path = "core/cell.rs"]
mod cell;
#[path = "core/cells.rs"]
mod cells;
#[path = "core/cells_beside.rs"]
mod cells_beside;
#[path = "core/deadlines.rs"]
mod deadlines;
#[path = "core/drain.rs"]
mod drain;
#[path = "core/eras.rs"]
mod eras;
#[path = "core/flow.rs"]
mod flow;
#[path = "core/flow_carried.rs"]
mod flow_carried;
#[path = "core/flow_marks.rs"]
mod flow_marks;
#[path = "core/flow_world.rs"]
mod flow_world;
#[path = "core/front_door.rs"]
mod front_door;
#[path = "core/guarded.rs"]
mod guarded;
#[path = "core/guards.rs"]
mod guards;
#[path = "core/guards_before.rs"]
mod guards_before;
#[path = "core/guards_ends.rs"]
mod guards_ends;
#[path = "core/guards_eras.rs"]
mod guards_eras;
#[path = "core/guards_quiet.rs"]
mod guards_quiet;
#[path = "core/guards_reach.rs"]
mod guards_reach;
#[path = "core/guards_unified.rs"]
mod guards_unified;
#[path = "core/guards_words.rs"]
mod guards_words;
#[path = "core/http_backends.rs"]
mod http_backends;
#[path = "core/jobs.rs"]
mod jobs;
#[path = "core/large.rs"]
mod large;
#[path = "core/leftovers.rs"]
mod leftovers;
#[path = "core/metrics.rs"]
mod metrics;
#[path = "core/modern_back.rs"]
mod modern_back;
#[path = "core/modern_front.rs"]
mod modern_front;
#[path = "core/modes.rs"]
mod modes;
#[path = "core/params.rs"]
mod params;
#[path = "core/parked.rs"]
mod parked;
#[path = "core/published.rs"]
mod published;
#[path = "core/recovery.rs"]
mod recovery;
#[path = "core/rounds.rs"]
mod rounds;
#[path = "core/sessions.rs"]
mod sessions;
#[path = "core/shards.rs"]
mod shards;
#[path = "core/shared.rs"]
mod shared;
#[path = "core/spellings.rs"]
mod spellings;
#[path = "core/sse_front.rs"]
mod sse_front;
#[path = "core/strays.rs"]
mod strays;
#[path = "core/streams.rs"]
mod streams;
#[path = "core/tasks.rs"]
mod tasks;
#[path = "core/turns.rs"]
mod turns;
#[path = "core/unified.rs"]
mod unified;
#[path = "core/unified_eras.rs"]
mod unified_eras;
#[path = "core/unified_lists.rs"]
mod unified_lists;
#[path = "core/unified_modern.rs"]
mod unified_modern;
#[path = "core/websocket.rs"]
mod websocket;
