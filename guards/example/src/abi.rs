// SPDX-License-Identifier: MIT
//! The border between a guard and the gateway: the five functions that the gateway calls, and the
//! two that it offers. Take this file for a guard of your own.

use std::alloc::Layout;

use serde_json::Value;

/// The codes that a guard returns instead of a length.
const FAILED: i32 = -1;
const TOO_SMALL: i32 = -2;

/// Levels of log lines.
pub const WARN: u32 = 2;
pub const ERROR: u32 = 3;

mod host {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub fn call_backend(
            tool: *const u8,
            tool_len: usize,
            args: *const u8,
            args_len: usize,
            result: *mut u8,
            result_len: usize,
        ) -> i32;
        pub fn host_log(level: u32, text: *const u8, len: usize);
    }
}

/// Calls a tool of the guarded server; `None` if that failed. Not more than fifty times a judgement.
pub fn call_backend(tool: &str, args: &Value) -> Option<Value> {
    let args = args.to_string();
    let mut result = vec![0; 64 << 10];
    loop {
        // SAFETY: all three are slices of ours, and the gateway keeps to their lengths.
        let code = unsafe {
            host::call_backend(
                tool.as_ptr(),
                tool.len(),
                args.as_ptr(),
                args.len(),
                result.as_mut_ptr(),
                result.len(),
            )
        };
        if let Ok(len) = usize::try_from(code) {
            return serde_json::from_slice(&result[..len]).ok();
        }
        let needed = u32::from_le_bytes(*result.first_chunk()?) as usize;
        // The answer is kept until it has been fetched: asking again costs the server nothing.
        if code != TOO_SMALL || needed <= result.len() {
            return None;
        }
        result.resize(needed, 0);
    }
}

/// One line for the gateway's log.
pub fn log(level: u32, text: &str) {
    // SAFETY: it is a slice of ours, which the gateway only reads.
    unsafe { host::host_log(level, text.as_ptr(), text.len()) };
}

/// Room for a message of the gateway.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(len: usize) -> *mut u8 {
    match Layout::array::<u8>(len.max(1)) {
        // SAFETY: its size is not zero.
        Ok(layout) => unsafe { std::alloc::alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Takes back what [`alloc`] has given.
///
/// # Safety
///
/// `at` is from `alloc(len)` and was not given back yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dealloc(at: *mut u8, len: usize) {
    if let Ok(layout) = Layout::array::<u8>(len.max(1)) {
        // SAFETY: as the caller has promised.
        unsafe { std::alloc::dealloc(at, layout) };
    }
}

/// # Safety
///
/// The gateway gives slices that are the guard's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn label_agent(input: *const u8, len: usize, out: *mut u8, size: usize) -> i32 {
    // SAFETY: as the gateway has promised.
    unsafe { answer(input, len, out, size, |policy| super::label_agent(&policy).map(Some)) }
}

/// # Safety
///
/// The gateway gives slices that are the guard's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn label_resource(
    input: *const u8,
    len: usize,
    out: *mut u8,
    size: usize,
) -> i32 {
    let label = |call: Value| {
        let tool = call["tool_name"].as_str().unwrap_or_default();
        super::label_resource(tool, &call["tool_args"]).map(Some)
    };
    // SAFETY: as the gateway has promised.
    unsafe { answer(input, len, out, size, label) }
}

/// # Safety
///
/// The gateway gives slices that are the guard's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn label_response(
    input: *const u8,
    len: usize,
    out: *mut u8,
    size: usize,
) -> i32 {
    let label = |call: Value| {
        let tool = call["tool_name"].as_str().unwrap_or_default();
        Ok(super::label_response(tool, &call["tool_args"], &call["tool_result"]))
    };
    // SAFETY: as the gateway has promised.
    unsafe { answer(input, len, out, size, label) }
}

/// Reads the input, asks `label`, and writes what it says; how long that is, or why there is none.
///
/// # Safety
///
/// `input` and `out` are slices of `len` and `size` bytes, and do not overlap.
unsafe fn answer(
    input: *const u8,
    len: usize,
    out: *mut u8,
    size: usize,
    label: impl FnOnce(Value) -> Result<Option<Value>, String>,
) -> i32 {
    // SAFETY: as the caller has promised.
    let (input, out) = unsafe {
        (std::slice::from_raw_parts(input, len), std::slice::from_raw_parts_mut(out, size))
    };
    let said = serde_json::from_slice(input).map_err(|error| error.to_string());
    let said = match said.and_then(label) {
        Ok(Some(said)) => said.to_string(),
        Ok(None) => return 0,
        Err(error) => {
            log(ERROR, &error);
            return FAILED;
        }
    };
    match out.get_mut(..said.len()) {
        Some(room) => {
            room.copy_from_slice(said.as_bytes());
            said.len() as i32
        }
        None => {
            if let Some(size) = out.first_chunk_mut() {
                *size = (said.len() as u32).to_le_bytes();
            }
            TOO_SMALL
        }
    }
}
