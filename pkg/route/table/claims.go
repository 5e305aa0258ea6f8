package table

import "slices"

// DropClaims removes the locations without endpoints: what they would answer
// falls to whatever the host has for other paths. One stays, to answer that
// nobody is there, where that would be another Namespace's location.
func (v *VirtualHost) DropClaims() {
	all := v.Locations
	serving := &VirtualHost{Locations: slices.DeleteFunc(slices.Clone(all), func(l *Location) bool { return len(l.Upstream.Endpoints) == 0 })}
	v.Locations = slices.DeleteFunc(all, func(l *Location) bool {
		if len(l.Upstream.Endpoints) > 0 || l.Stays || l.Upstream.Policy != "" {
			return false // a policy's own answer is that nobody is there
		}
		cover := serving.Cover(l.Path.String())
		return cover == nil || cover.From == l.From
	})
}
