{{/*
The containers of one instance, a YAML list. Each takes a dict: "root" is the
chart's own dot, "instance" one of dispatcher.instances.
*/}}
{{- define "dispatcher.containers" -}}
{{- $sidecar := .root.Values.sidecar -}}
- name: dispatcher{{ .instance.suffix }}
  {{- include "dispatcher.program" .root | nindent 2 }}
  {{- if $sidecar }}
  args: [run]
  {{- end }}
  {{- include "dispatcher.controllerEnv" . | nindent 2 }}
  ports:
    {{- if not $sidecar }}
    {{- include "dispatcher.trafficPorts" . | nindent 4 }}
    {{- end }}
    - name: admin{{ .instance.suffix }}
      containerPort: {{ .instance.adminPort }}
  livenessProbe:
    httpGet:
      path: /healthz
      port: admin{{ .instance.suffix }}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6 # a restart costs all connections: be slow to do it
  readinessProbe: # ready when the first complete configuration is live
    httpGet:
      path: /readyz
      port: admin{{ .instance.suffix }}
    periodSeconds: 5
    timeoutSeconds: 5
  {{- with ternary .instance.controllerResources .instance.resources $sidecar }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- if $sidecar }}
    runAsUser: 10001 # not nginx's: neither may look into the other, or signal it
    runAsGroup: 101
    {{- end }}
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
      {{- if not $sidecar }}
      add: [NET_BIND_SERVICE] # the image's nginx needs it to start, on whatever port
      {{- end }}
  volumeMounts:
    - name: work{{ .instance.suffix }}
      mountPath: /etc/nginx # WORK_DIR of the image: all that is ever written
    {{- if $sidecar }}
    - name: token
      mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      readOnly: true
    {{- end }}
    {{- if .root.Values.tls.secretName }}
    # A whole volume, with no subPath: files of a subPath are never updated.
    - name: default-tls
      mountPath: /etc/dispatcher/default-tls
      readOnly: true
    {{- if not $sidecar }}
    {{- include "dispatcher.certificatesMount" . | nindent 4 }}
    {{- end }}
    {{- end }}
    {{- with .root.Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- if $sidecar }}
- name: nginx{{ .instance.suffix }}
  {{- include "dispatcher.program" .root | nindent 2 }}
  args: [nginx]
  {{- include "dispatcher.nginxEnv" . | nindent 2 }}
  ports:
    {{- include "dispatcher.trafficPorts" . | nindent 4 }}
  {{- with .instance.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsUser: 101
    runAsGroup: 101
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
      add: [NET_BIND_SERVICE] # the image's nginx needs it to start, on whatever port
  volumeMounts: # the token is not among them
    - name: work{{ .instance.suffix }}
      mountPath: /etc/nginx
    {{- if .root.Values.tls.secretName }}
    {{- include "dispatcher.certificatesMount" . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}

{{- define "dispatcher.program" -}}
image: {{ include "dispatcher.image" . | quote }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- end }}

{{/* What the controller is told: all settings, and what the chart sets itself. */}}
{{- define "dispatcher.controllerEnv" -}}
env:
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  # The kubelet asks the probes on the Pod's address. The port serves nothing secret, and no host
  # port leads to it.
  - name: ADMIN_ADDR
    value: ":{{ .instance.adminPort }}"
  {{- if .root.Values.sidecar }}
  - name: MODE
    value: sidecar
  {{- end }}
  {{- if ne (int .instance.port) 80 }}
  - name: PORT
    value: {{ .instance.port | quote }}
  {{- end }}
  {{- if ne (int .instance.tlsPort) 443 }}
  - name: SSL_PORT
    value: {{ .instance.tlsPort | quote }}
  {{- end }}
  {{- if ne (int .instance.resolverPort) 9252 }}
  - name: RESOLVER_ADDR
    value: "127.0.0.1:{{ .instance.resolverPort }}"
  {{- end }}
  {{- if .root.Values.tls.secretName }}
  - name: SSL_CERT
    value: /etc/dispatcher/default-tls/tls.crt
  - name: SSL_KEY
    value: /etc/dispatcher/default-tls/tls.key
  {{- end }}
  {{- range $name, $value := .instance.settings }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
{{- end }}

{{/* With sidecar, what nginx's container is told: the settings that the command nginx takes. */}}
{{- define "dispatcher.nginxEnv" -}}
{{- with pick .instance.settings "NGINX_BINARY" "SHUTDOWN_GRACE" "SERVE_STALE" "LOG_LEVEL" "LOG_FORMAT" -}}
env:
  {{- range $name, $value := . }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Ports that clients ask. */}}
{{- define "dispatcher.trafficPorts" -}}
- name: http{{ .instance.suffix }}
  containerPort: {{ .instance.port }}
  {{- if .instance.hostPorts }}
  hostPort: {{ .instance.port }}
  {{- end }}
{{- if .root.Values.tls.secretName }}
- name: https{{ .instance.suffix }}
  containerPort: {{ .instance.tlsPort }}
  {{- if .instance.hostPorts }}
  hostPort: {{ .instance.tlsPort }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "dispatcher.certificatesMount" -}}
# SSL_CERT_DIR, which is "ssl" in WORK_DIR unless it is set.
- name: certificates{{ .instance.suffix }}
  mountPath: /etc/nginx/ssl
{{- end }}
