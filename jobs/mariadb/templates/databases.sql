-- One database for each service that shares a password with this one.
{{ if nomadVarExists "[[ given ]]" }}{{ with nomadVar "[[ given ]]" }}{{ range $name, $password := . }}
CREATE DATABASE IF NOT EXISTS {{ $name }} CHARACTER SET utf8mb3;
CREATE USER IF NOT EXISTS '{{ $name }}'@'%';
ALTER USER '{{ $name }}'@'%' IDENTIFIED BY '{{ $password }}';
GRANT ALL ON {{ $name }}.* TO '{{ $name }}'@'%';
{{ end }}{{ end }}{{ end }}
