package keyed

import (
	"strings"

	"github.com/30x/dispatcher/pkg/route"
)

// MapSize and MapBucket are the directives map_hash_max_size and map_hash_bucket_size
// for maps with overrides. A bucket holds some dozens of the longest keys, so nginx
// finds a size quickly; and it never has to take the greatest one, from which on it
// takes more memory than it needs.
const (
	MapSize   = 10000
	MapBucket = 16384
)

// pointer is the size of one, and what nginx rounds to.
const pointer = 8

// levels divides overrides so that each part can stand in one map. Nearly always
// there is one part. A map ignores case, so keys that are else the same must be told
// apart by several. And nginx refuses the whole configuration if too many keys of a
// map have one hash, which somebody could look for.
func levels(overrides []route.Override) (out [][]route.Override) {
	type level struct {
		taken map[string]bool
		load  map[uint64]int // bytes by bucket, if there are MapSize of them
	}
	var made []level
	for _, o := range overrides {
		key := strings.ToLower(o.Key.String())
		bucket := hash(key) % MapSize
		size := pointer + (len(key)+2+pointer-1)/pointer*pointer // NGX_HASH_ELT_SIZE
		i := 0
		for i < len(made) && (made[i].taken[key] || made[i].load[bucket]+size+pointer > MapBucket) {
			i++
		}
		if i == len(made) {
			made = append(made, level{map[string]bool{}, map[uint64]int{}})
			out = append(out, nil)
		}
		made[i].taken[key] = true
		made[i].load[bucket] += size
		out[i] = append(out[i], o)
	}
	return out
}

// hash is nginx's ngx_hash_key_lc of a text in lower case.
func hash(s string) (h uint64) {
	for i := range len(s) {
		h = h*31 + uint64(s[i])
	}
	return h
}
