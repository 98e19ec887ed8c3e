;; SPDX-License-Identifier: MIT
;; A guard that does what its input tells it to. It says what stands between a name and `,"end`:
;;
;;   "say_agent": …    of an agent, in the policy
;;   "say_call": …     of a call, in its arguments
;;   "say_answer": …   of an answer, in the arguments or in the result
;;   "say_looked": …   of a call, in what its backend has told it
;;
;; `trap_…` and `loop_…` end it, `ask_…` and a number make it ask its backend so often.
(module
  (import "env" "call_backend"
    (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 16) "\"say_agent\":")
  (data (i32.const 48) "\"say_call\":")
  (data (i32.const 80) "\"say_answer\":")
  (data (i32.const 112) "\"say_looked\":")
  (data (i32.const 144) "\"trap_agent\"")
  (data (i32.const 176) "\"trap_call\"")
  (data (i32.const 208) "\"trap_answer\"")
  (data (i32.const 240) "\"loop_call\"")
  (data (i32.const 272) "\"loop_answer\"")
  (data (i32.const 304) "\"ask_call\":")
  (data (i32.const 336) "\"ask_answer\":")
  (data (i32.const 368) ",\"end")
  (data (i32.const 400) "look")
  (data (i32.const 416) "{\"n\":1}")
  (data (i32.const 448) "{\"agent\":{},\"difc_mode\":\"filter\"}")
  (data (i32.const 512) "{\"resource\":{\"description\":\"thing\"},\"operation\":\"read\"}")

  ;; The place after the needle, or 0.
  (func $find (param $at i32) (param $len i32) (param $needle i32) (param $n i32) (result i32)
    (local $last i32) (local $i i32)
    (if (i32.lt_u (local.get $len) (local.get $n)) (then (return (i32.const 0))))
    (local.set $last (i32.sub (i32.add (local.get $at) (local.get $len)) (local.get $n)))
    (loop $next
      (local.set $i (i32.const 0))
      (loop $same
        (if (i32.eq (i32.load8_u (i32.add (local.get $at) (local.get $i)))
                    (i32.load8_u (i32.add (local.get $needle) (local.get $i))))
          (then
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (if (i32.eq (local.get $i) (local.get $n))
              (then (return (i32.add (local.get $at) (local.get $n)))))
            (br $same))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.le_u (local.get $at) (local.get $last))))
    (i32.const 0))

  ;; Copies what stands behind the needle; its length, or 0.
  (func $say (param $at i32) (param $len i32) (param $needle i32) (param $n i32) (param $out i32)
    (result i32)
    (local $from i32) (local $to i32)
    (local.set $from
      (call $find (local.get $at) (local.get $len) (local.get $needle) (local.get $n)))
    (if (i32.eqz (local.get $from)) (then (return (i32.const 0))))
    (local.set $to
      (call $find (local.get $from)
        (i32.sub (i32.add (local.get $at) (local.get $len)) (local.get $from))
        (i32.const 368) (i32.const 5)))
    (if (i32.eqz (local.get $to)) (then (return (i32.const 0))))
    (local.set $to (i32.sub (i32.sub (local.get $to) (i32.const 5)) (local.get $from)))
    (memory.copy (local.get $out) (local.get $from) (local.get $to))
    (local.get $to))

  ;; Asks as often as the number behind the needle says; the length of the last answer, 0 if
  ;; nothing was asked, -7 if there was no answer.
  (func $ask (param $at i32) (param $len i32) (param $needle i32) (param $n i32) (result i32)
    (local $number i32) (local $digit i32) (local $told i32)
    (local.set $at
      (call $find (local.get $at) (local.get $len) (local.get $needle) (local.get $n)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))
    (loop $digits
      (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
      (if (i32.lt_u (local.get $digit) (i32.const 10))
        (then
          (local.set $number
            (i32.add (i32.mul (local.get $number) (i32.const 10)) (local.get $digit)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $digits))))
    (loop $again
      (if (local.get $number)
        (then
          (local.set $told
            (call $call (i32.const 400) (i32.const 4) (i32.const 416) (i32.const 7)
              (i32.const 4096) (i32.const 32768)))
          (if (i32.lt_s (local.get $told) (i32.const 0)) (then (return (i32.const -7))))
          (local.set $number (i32.sub (local.get $number) (i32.const 1)))
          (br $again))))
    (local.get $told))

  (func (export "label_agent") (param $in i32) (param $len i32) (param $out i32) (param $size i32)
    (result i32)
    (local $n i32)
    (if (call $find (local.get $in) (local.get $len) (i32.const 144) (i32.const 12))
      (then (unreachable)))
    (local.set $n
      (call $say (local.get $in) (local.get $len) (i32.const 16) (i32.const 12) (local.get $out)))
    (if (local.get $n) (then (return (local.get $n))))
    (memory.copy (local.get $out) (i32.const 448) (i32.const 33))
    (i32.const 33))

  (func (export "label_resource") (param $in i32) (param $len i32) (param $out i32)
    (param $size i32) (result i32)
    (local $n i32)
    (if (call $find (local.get $in) (local.get $len) (i32.const 176) (i32.const 11))
      (then (unreachable)))
    (if (call $find (local.get $in) (local.get $len) (i32.const 240) (i32.const 11))
      (then (loop $forever (br $forever))))
    (local.set $n
      (call $ask (local.get $in) (local.get $len) (i32.const 304) (i32.const 11)))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (local.get $n))))
    (if (local.get $n)
      (then
        (local.set $n
          (call $say (i32.const 4096) (local.get $n) (i32.const 112) (i32.const 13)
            (local.get $out)))
        (if (local.get $n) (then (return (local.get $n))))))
    (local.set $n
      (call $say (local.get $in) (local.get $len) (i32.const 48) (i32.const 11) (local.get $out)))
    (if (local.get $n) (then (return (local.get $n))))
    (memory.copy (local.get $out) (i32.const 512) (i32.const 55))
    (i32.const 55))

  (func (export "label_response") (param $in i32) (param $len i32) (param $out i32)
    (param $size i32) (result i32)
    (local $n i32)
    (if (call $find (local.get $in) (local.get $len) (i32.const 208) (i32.const 13))
      (then (unreachable)))
    (if (call $find (local.get $in) (local.get $len) (i32.const 272) (i32.const 13))
      (then (loop $forever (br $forever))))
    (local.set $n
      (call $ask (local.get $in) (local.get $len) (i32.const 336) (i32.const 13)))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (local.get $n))))
    (call $say (local.get $in) (local.get $len) (i32.const 80) (i32.const 13) (local.get $out))))
