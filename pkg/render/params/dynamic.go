package params

import (
	"net/netip"

	"github.com/30x/dispatcher/pkg/route"
)

// Dynamic is how nginx learns endpoints without a reload.
type Dynamic struct {
	Resolver netip.AddrPort // where nginx asks for the endpoints of a service
	// Empty is where nginx itself listens, for requests of services without
	// endpoints: it answers 503.
	Empty netip.AddrPort
	// Room is the number of endpoints that nginx's shared memory has room for, if that is
	// more than RoomFor the Table.
	Room int
}

// Domain ends the names of services. IANA has set "internal" aside for private use.
const Domain = "endpoints.internal"

// What nginx takes of its shared memory, measured with 1.30.6: a little less than
// a kilobyte for an endpoint, as much for an upstream, and pages for each size.
const (
	kilobytesEach = 1
	leastZone     = 4096
)

// ZoneSize is the size of that memory in kilobytes. It grows in large steps, since
// each of them takes a reload.
func (d *Dynamic) ZoneSize() int {
	need := d.Room * kilobytesEach
	size := leastZone
	for size < need {
		size *= 4
	}
	return size
}

// Capacity is how many endpoints fit into that memory, each upstream counting as two
// more.
func (d *Dynamic) Capacity() int { return d.ZoneSize() / kilobytesEach }

// RoomFor gives the Room for the endpoints and upstreams of a Table, with as much again
// to spare: twice as many fit without a reload.
func RoomFor(n route.Counts) int { return 2 * (n.Endpoints + 2*(n.Locations+n.Members)) }

// WithRoom gives the Params with room for what a Table counts, and for so many endpoints
// at least. room is what there is now, and capacity how many fit; 0 if they stand in the
// text.
func (p Params) WithRoom(n route.Counts, least int) (with Params, room, capacity int) {
	if p.Dynamic == nil {
		return p, least, 0
	}
	dynamic := *p.Dynamic
	dynamic.Room = max(least, RoomFor(n))
	p.Dynamic = &dynamic
	return p, dynamic.Room, dynamic.Capacity()
}
