// All of the FP and SIMD state, which compiled Swift never touches.

.arch_extension fp
.arch_extension simd

.macro each op
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  \op \n
  .endr
.endm

// FPCR: the rounding mode, bits [23:22]. FPSR: the cumulative exceptions, bits [4:0]. Both from the seed.
.macro controls
  and     x1, x0, #3
  lsl     x1, x1, #22
  and     x2, x0, #0x1f
.endm

.macro fill n
  add     x1, x0, #\n
  dup     v\n\().2d, x1
.endm

// void guest_fp_fill(x0 seed): V0 to V31 hold the seed plus their number in both halves.
.section .text.guest_fp_fill, "ax"
.global guest_fp_fill
guest_fp_fill:
  each    fill
  controls
  msr     fpcr, x1
  msr     fpsr, x2
  ret

.macro compare n
  add     x1, x0, #\n
  umov    x2, v\n\().d[0]
  cmp     x1, x2
  cinc    x3, x3, ne
  umov    x2, v\n\().d[1]
  cmp     x1, x2
  cinc    x3, x3, ne
.endm

// uint64_t guest_fp_differences(x0 seed): how many halves and controls are not what guest_fp_fill left.
.section .text.guest_fp_differences, "ax"
.global guest_fp_differences
guest_fp_differences:
  mov     x3, #0
  each    compare
  controls
  mrs     x4, fpcr
  cmp     x1, x4
  cinc    x3, x3, ne
  mrs     x4, fpsr
  cmp     x2, x4
  cinc    x3, x3, ne
  mov     x0, x3
  ret
