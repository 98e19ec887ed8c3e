;; SPDX-License-Identifier: MIT
;;
;; The least that is a guard: whatever a call is about, it is a secret of the notes, so that an
;; agent without any secrets can read nothing. It reads no input and has no allocator: the gateway
;; lays the input and the room for the output at the end of its memory.
(module
  (memory (export "memory") 1)
  (data (i32.const 0)
    "{\"agent\":{\"secrecy\":[],\"integrity\":[\"none\"]},\"difc_mode\":\"strict\"}")
  (data (i32.const 128)
    "{\"resource\":{\"description\":\"notes\",\"secrecy\":[\"private:notes\"],\"integrity\":[\"none\"]},\"operation\":\"read\"}")

  ;; Copies so many bytes from there to the output, and says how many.
  (func $say (param $from i32) (param $len i32) (param $out i32) (result i32)
    (memory.copy (local.get $out) (local.get $from) (local.get $len))
    (local.get $len))

  (func (export "label_agent") (param $in i32) (param i32) (param $out i32) (param i32) (result i32)
    (call $say (i32.const 0) (i32.const 66) (local.get $out)))

  (func (export "label_resource") (param i32 i32) (param $out i32) (param i32) (result i32)
    (call $say (i32.const 128) (i32.const 104) (local.get $out)))

  ;; Nothing: what was said of the call holds for its answer.
  (func (export "label_response") (param i32 i32 i32 i32) (result i32)
    (i32.const 0)))
