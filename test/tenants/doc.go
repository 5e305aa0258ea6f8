// Package tenants lets a hostile tenant do its worst to others. Cases enter: what
// one Namespace writes into its objects, whom requests must reach meanwhile, and what
// its owner must be told. The real dispatcher binary runs the real nginx on them, and
// two witnesses say whether it harmed anybody: a tenant that is asked all the time, and
// one that adds a route after each case. What must not be reached counts its requests.
// It never looks at Dispatcher's inner state.
//
// A case is a few lines in the table of its group:
//
//	{
//		name: "a brace in a path",
//		make: func(h *hostile) { h.entry(`{"basePath": "/x{", "containerPort": @PORT}`) },
//		told: []string{"Pod/hostile/good|paths[1].basePath|U+007B"},
//	}
//
// Unless it says otherwise, the good entries beside the bad one must be served, and
// when its objects are gone, nothing may be left of them. NGINX_BINARY names another
// nginx, DISPATCHER_BINARY a Dispatcher that is already built, and ENDPOINTS how nginx
// learns of endpoints.
package tenants
