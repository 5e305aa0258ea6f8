{{/* Name of everything. */}}
{{- define "dispatcher.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- .Values.fullnameOverride | default $name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "dispatcher.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "dispatcher.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | required "serviceAccount.name: with serviceAccount.create=false, name the ServiceAccount that is there already" -}}
{{- end -}}
{{- end }}

{{/* By these the DaemonSet knows its Pods: they can't change later. */}}
{{- define "dispatcher.selector" -}}
app.kubernetes.io/name: dispatcher
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "dispatcher.labels" -}}
{{ include "dispatcher.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end }}

{{- define "dispatcher.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{/* A setting's value as the program reads it. Helm reads numbers as floats, which would be printed as 1e+06. */}}
{{- define "dispatcher.text" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/* Name of the Secrets that are read. Takes an instance's settings. */}}
{{- define "dispatcher.secret" -}}
{{- with .API_KEY_SECRET_LOCATION }}{{ splitList ":" . | first }}{{ else }}{{ .API_KEY_SECRET_NAME | default "routing" }}{{ end -}}
{{- end }}

{{/* What the chart sets itself, and what to use instead. */}}
{{- define "dispatcher.owned" -}}
ADMIN_ADDR: use adminPort of the instance
MODE: use sidecar to run nginx in a container of its own
PORT: use port of the instance
RESOLVER_ADDR: use resolverPort of the instance
SSL_CERT: use tls.secretName, the Secret with the default certificate
SSL_CERT_DIR: leave it out; a volume in memory is mounted there
SSL_KEY: use tls.secretName, the Secret with the default certificate
SSL_PORT: use tlsPort of the instance
WORK_DIR: leave it out; a volume is mounted where the image has it
{{- end }}

{{/*
The instances as a JSON list, whole: every key is there, the settings are merged
and text, and "suffix" ends names. Fails where two instances are in each other's way.
*/}}
{{- define "dispatcher.instances" -}}
{{- $tls := .Values.tls.secretName -}}
{{- $owned := include "dispatcher.owned" . | fromYaml -}}
{{- $names := dict -}}
{{- $ports := dict -}}
{{- $out := list -}}
{{- range $i, $given := .Values.instances -}}
  {{- $name := $given.name -}}
  {{- if hasKey $names $name -}}
    {{- fail (printf "instances: two are named %s: give each a name of its own" $name) -}}
  {{- end -}}
  {{- $_ := set $names $name true -}}
  {{- if and (gt (len $name) 9) (ne $name "dispatcher") -}}
    {{- fail (printf "instances: the name %s is too long: give it at most 9 characters, since names of ports end with it" $name) -}}
  {{- end -}}

  {{- $settings := dict -}}
  {{- range $from := list $.Values.settings ($given.settings | default dict) -}}
    {{- range $key, $value := $from -}}
      {{- with index $owned $key -}}{{- fail (printf "settings: the chart sets %s: %s" $key .) -}}{{- end -}}
      {{- $text := include "dispatcher.text" $value -}}
      {{- if $text }}{{ $_ := set $settings $key $text }}{{ else }}{{ $_ := unset $settings $key }}{{ end -}}
    {{- end -}}
  {{- end -}}

  {{- $port := dig "port" 80 $given | int -}}
  {{- $tlsPort := dig "tlsPort" 443 $given | int -}}
  {{- $adminPort := dig "adminPort" (add 9254 $i) $given | int -}}
  {{- if eq $port $tlsPort -}}
    {{- fail (printf "instances: %s has the port %d both for HTTP and for TLS: change its port or its tlsPort" $name $port) -}}
  {{- end -}}
  {{- $resolverPort := dig "resolverPort" (sub 9252 (mul 2 $i)) $given | int -}}
  {{- $taken := list $port $adminPort $resolverPort (add $resolverPort 1) -}}
  {{- if $tls }}{{ $taken = append $taken $tlsPort }}{{ end -}}
  {{- range $taken -}}
    {{- $key := toString . -}}
    {{- with get $ports $key -}}
      {{- fail (printf "instances: the port %s is taken twice, by %s and %s: containers of a Pod share its ports, so give each port, tlsPort, adminPort and resolverPort a number of its own, and leave the one after a resolverPort free" $key . $name) -}}
    {{- end -}}
    {{- $_ := set $ports $key $name -}}
  {{- end -}}

  {{- $out = append $out (dict
    "name" $name
    "suffix" (ternary "" (printf "-%s" $name) (eq $name "dispatcher"))
    "port" $port
    "tlsPort" $tlsPort
    "adminPort" $adminPort
    "resolverPort" $resolverPort
    "hostPorts" (dig "hostPorts" true $given)
    "settings" $settings
    "resources" ($given.resources | default $.Values.resources)
    "controllerResources" ($given.controllerResources | default $.Values.controllerResources)
  ) -}}
{{- end -}}
{{- toJson $out -}}
{{- end }}

{{/* More seconds than any instance may take to end: the longest SHUTDOWN_GRACE and 15. Takes the list of instances. */}}
{{- define "dispatcher.gracePeriod" -}}
{{- $zero := toDate "2006-01-02" "2000-01-01" -}}
{{- $longest := 0 -}}
{{- range . -}}
  {{- $end := mustDateModify (.settings.SHUTDOWN_GRACE | default "30s") $zero -}}
  {{- $longest = max $longest (sub (unixEpoch $end) (unixEpoch $zero)) -}}
{{- end -}}
{{- add $longest 15 -}}
{{- end }}
