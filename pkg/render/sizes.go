package render

import "math/bits"

// hashSizes follows ngx_hash.c: a bucket must hold a pointer, the name with its
// length aligned to a pointer, and a closing pointer; nginx refuses the whole
// configuration otherwise. The number of buckets leaves it room to choose.
func hashSizes(names, longest int) (bucket, size int) {
	const pointer, cacheLine = 8, 64
	need := pointer + (longest+2+pointer-1)/pointer*pointer + pointer
	bucket = (need + cacheLine - 1) / cacheLine * cacheLine
	if names > 1000 {
		bucket *= 2 // fewer sizes to try when nginx builds the table
	}
	return bucket, max(512, 1<<bits.Len(uint(2*names)))
}

// variableSizes are the sizes for so many variables beside those that are always
// there. A bucket holds several with the longest of our names.
func variableSizes(more int) (bucket, size int) {
	const usual, known = 4096, 256
	if more == 0 {
		return 0, usual
	}
	return 512, max(usual, 1<<bits.Len(uint(2*(more+known))))
}
