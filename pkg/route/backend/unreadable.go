package backend

import "github.com/30x/dispatcher/pkg/cluster"

// Unreadable tells of addresses and networks that can't be read, also of Services that
// nothing refers to. Its Notes are like those of Find.
func Unreadable(s *cluster.Snapshot) (notes []Note) {
	for _, o := range s.Services {
		if len(o.SourceRanges) > 0 {
			_, more := sourceRanges(o)
			notes = append(notes, more...)
		}
	}
	for _, slice := range s.EndpointSlices {
		if slice.FQDN {
			continue
		}
		for _, e := range slice.Endpoints {
			for _, text := range e.Addresses {
				if _, why := address(text); why != "" {
					notes = append(notes, Note{Ref: slice.Ref, Key: place(slice, "endpoints.addresses"), Reason: why})
				}
			}
		}
	}
	return notes
}
