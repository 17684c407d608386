/// One character of a message of the Swift runtime.
@c(putchar)
func putRuntimeCharacter(_ character: Int32) -> Int32 {
  SerialPort.write(UInt8(truncatingIfNeeded: character))
  return character
}
