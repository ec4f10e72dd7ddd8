// structured-headers' declarations name this type of the DOM library, which Node's types lack. Nothing of it is
// emitted: the packages' own declarations do not name structured-headers.
type BufferSource = ArrayBufferView | ArrayBuffer
