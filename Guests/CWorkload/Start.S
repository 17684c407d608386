// Where Linux starts the program: no library, no arguments. The first instruction says that user space is reached.

  .section .text.start, "ax"
  .global _start
_start:
#if defined(__aarch64__)
  hint    #96
  mov     x29, xzr
  mov     x30, xzr
  bl      main
  brk     #1
#elif defined(__riscv)
  slti    x0, x0, 0x600
  mv      fp, zero
  call    main
  ebreak
#endif
