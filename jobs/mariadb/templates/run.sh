# The file of databases runs at each start: it may run any number of times, and changes passwords.
if [ ! -d /var/lib/mysql/mysql ]; then
    mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db \
        --auth-root-authentication-method=socket --auth-root-socket-user=mysql
fi
exec mariadbd --user=mysql --init-file=/secrets/kolla/databases.sql
