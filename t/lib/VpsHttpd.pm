package VpsHttpd;

=head1 NAME

VpsHttpd - a private httpd for one test

=head1 SYNOPSIS

    my $httpd = VpsHttpd->start(conf => "VPNSentinelAPI\nVPNSentinelAPIKey secret\n");
    my ($status, $body) =
        $httpd->json('GET', '/api/v1/clients', { headers => { 'X-API-Key' => 'secret' } });
    $httpd->graceful;
    $httpd->stop;
    $httpd->check_error_log;

=head1 DESCRIPTION

Each httpd has a ServerRoot of its own, I<build folder>/t/tmp/I<script.pid.n> (below the system's
folder for temporary files when the build folder is root's alone), listens on free
ports of 127.0.0.1 only, sees none of the product's environment variables but those given, and is
stopped when the object goes away. The ServerRoot goes too, unless a test failed or VPS_KEEP is set.
Only core modules of Perl are used; "make check" sets the variables that tell where things are.

=head2 start(...)

Starts httpd and returns when it serves. All are optional:

    conf            configuration text; @ROOT@ is the ServerRoot, @PORT@ the first port,
                    @PORT1@ the second and so on
    files           { 'relative/path' => content } written below the ServerRoot before
    mpm             event, worker or prefork; default VPS_MPM, else event
    modules         httpd's modules by name without "mod_", in the order of loading:
                    [qw(ssl headers)]
    module          the product's module; undef = not loaded
    ports           how many, default 1
    listen          0 = the ports are chosen, but conf says Listen
    env             { NAME => value }, with the same placeholders as conf; undef removes one
    clock           true = the wall clock of its processes can be stepped: see step_clock and
                    step_clear_of_quarters
    log_level       default "info vpnsentinel:debug"
    mount           shell commands that httpd's own view of the file system is made with, with
                    @ROOT@; only where can_mount() says so
    leaks           true = under the sanitizers, memory that a child never frees is reported too
                    (at its end, which then takes some tenths of a second)
    expect_failure  true = return when httpd has refused to start: see exit_status and error_log

Unless conf, or env, says otherwise, the module's store is in the folder "state" of the ServerRoot,
and it does not ask the Internet for the server's address.

=head2 VpsHttpd->configtest(...)

Takes the same, runs "httpd -t" and returns (exit status, output).

=cut

use strict;
use warnings;
use feature 'state';

use Carp qw(croak);
use Cwd qw(getcwd);
use Fcntl qw(O_CREAT O_RDWR);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use List::Util qw(min);
use POSIX ();
use Scalar::Util qw(weaken);
use Socket qw(SHUT_WR);
use Test::More ();
use Time::HiRes qw(sleep clock_gettime CLOCK_MONOTONIC);

use ErrorLog;

my $BUILD_DIR = $ENV{VPS_BUILDDIR} // getcwd();
my $HTTPD = $ENV{VPS_HTTPD} // '/usr/sbin/apache2';
my $HTTPD_MODULES = $ENV{VPS_HTTPD_MODULES} // '/usr/lib/apache2/modules';
my $MODULE = "$BUILD_DIR/mod_vpnsentinel/.libs/mod_vpnsentinel.so";
my $CLOCK_STEP = "$BUILD_DIR/t/.libs/clockstep.so";
my $SUPPRESSIONS = dirname(__FILE__) . '/../sanitize.supp';

my $DEADLINE = 60;      # seconds to wait for anything before the test gives up
my $FIRST_PAUSE = 0.01; # seconds between two looks at what is waited for, longer each time:
my $LAST_PAUSE = 0.1;   # what takes long must not keep the processor from those who do it
my $PORT_ATTEMPTS = 5;  # another process may take a port between our look and httpd's bind

my %PROCESSES = (
    event => "StartServers 2\nThreadsPerChild 8\nMinSpareThreads 8\nMaxSpareThreads 32\n"
        . "MaxRequestWorkers 32\n",
    prefork => "StartServers 3\nMinSpareServers 3\nMaxSpareServers 6\nMaxRequestWorkers 16\n",
);
$PROCESSES{worker} = $PROCESSES{event};

# An interrupted test must stop its httpd too: exit runs DESTROY, a signal does not.
for my $signal (qw(HUP INT TERM)) {
    $SIG{$signal} //= sub { exit 1 };
}

my $instances = 0;
my @objects;  # all of this process, weak

# --- starting -------------------------------------------------------------------------------------

sub start {
    my ($class, %option) = @_;
    my $self = $class->_prepare(%option);
    for (1 .. $PORT_ATTEMPTS) {
        $self->_launch;
        last if $self->{pid} || $self->error_log !~ /Address already in use/;
        unlink glob "$self->{root}/logs/*";
        $self->_configure;
    }
    if ($option{expect_failure}) {
        croak 'httpd started although it should have refused' if $self->{pid};
    } elsif (!$self->{pid}) {
        croak "httpd ended at its start:\n" . $self->error_log;
    }
    return $self;
}

# After stop or crash: starts httpd anew, in the same ServerRoot and with the same ports.
sub start_again {
    my ($self) = @_;
    $self->_launch;
    croak "httpd ended at its new start:\n" . $self->error_log if !$self->{pid};
}

# Starts the process and returns when it serves or has ended.
sub _launch {
    my ($self) = @_;
    my $before = $self->_generations;
    $self->_spawn;
    $self->wait_for(sub { $self->_ended || $self->_generations > $before })
        or croak "httpd neither serves nor ends:\n" . $self->error_log;
}

sub configtest {
    my ($class, %option) = @_;
    my $self = $class->_prepare(%option);
    my $pid = open(my $output, '-|') // croak "fork: $!";
    if (!$pid) {
        open(STDERR, '>&', \*STDOUT) or POSIX::_exit(127);
        $self->_exec('-t');
    }
    my $text = do { local $/; <$output> } // '';
    close $output;
    return ($? >> 8, $text);
}

# The object with its folder and its configuration; nothing runs yet.
sub _prepare {
    my ($class, %option) = @_;
    # In a namespace of processes each test has the same number.
    my $name = basename($0, '.t') . "." . ($ENV{VPS_PID} // $$) . "." . $instances++;
    my $self = bless {
        mpm => $ENV{VPS_MPM} // 'event',
        modules => [],
        module => $MODULE,
        ports => 1,
        listen => 1,
        env => {},
        files => {},
        conf => '',
        %option,
        root => _folder() . "/$name",
        owner => $$,
    }, $class;
    $self->{log_level} //= defined $self->{module} ? 'info vpnsentinel:debug' : 'info';

    push @objects, $self;
    weaken($objects[-1]);
    make_path(map { "$self->{root}/$_" } qw(logs run htdocs));
    chmod 0755, map { "$self->{root}$_" } '', qw(/logs /run /htdocs);
    while (my ($path, $content) = each %{ $self->{files} }) {
        make_path(dirname("$self->{root}/$path"));
        $self->write_file($path, $content);
    }
    $self->_make_state_folder;
    $self->step_clock(0) if $self->{clock};
    $self->_configure;
    return $self;
}

# The default of the store's folder here, for httpd's user.
sub _make_state_folder {
    my ($self) = @_;
    mkdir "$self->{root}/state" or croak "state: $!";
    chown +(getpwnam('www-data'))[ 2, 3 ], "$self->{root}/state" if $> == 0;
}

# Where the ServerRoots are. Started by root, httpd's children run as another user: in a build
# folder that is root's alone they could read nothing, then a temporary folder is taken.
sub _folder {
    my $path = "$BUILD_DIR/t/tmp";
    return $path if $> != 0 || _is_open_to_all($BUILD_DIR);
    state $folder = do {
        my $temporary = tempdir('vpnsentinel-XXXXXX', TMPDIR => 1, CLEANUP => 1);
        chmod 0755, $temporary;
        $temporary;
    };
    return $folder;
}

# May everybody go through this folder and all above it?
sub _is_open_to_all {
    my ($path) = @_;
    for (; ; $path = dirname($path)) {
        return 0 if !((stat $path)[2] & 0001);
        return 1 if $path eq '/';
    }
}

# Chooses the ports and writes httpd.conf.
sub _configure {
    my ($self) = @_;
    $self->{port_numbers} = [ $self->free_ports($self->{ports}) ];
    my $conf = $self->_filled($self->{conf});
    my $load = join '', map { _load_line($_) } "mpm_$self->{mpm}", qw(unixd authz_core),
        @{ $self->{modules} };
    if (defined $self->{module}) {
        $load .= qq{LoadModule vpnsentinel_module "$self->{module}"\n} . $self->_tame;
    }
    my $user = $> == 0 ? "User www-data\nGroup www-data\n" : '';
    my $listen = join '', map { "Listen 127.0.0.1:$_\n" } @{ $self->{port_numbers} };
    $listen = '' if !$self->{listen};
    # The MPM says at level notice when a generation serves; _generations() counts on it.
    $self->write_file('httpd.conf', <<"CONF");
ServerRoot "$self->{root}"
ServerName localhost
DefaultRuntimeDir run
PidFile run/httpd.pid
Mutex default:run
ErrorLog logs/error.log
$load
LogLevel $self->{log_level} mpm_$self->{mpm}:notice
$user
$PROCESSES{$self->{mpm}}
$listen
DocumentRoot "$self->{root}/htdocs"
$conf
CONF
}

# Directives that keep the module within its ServerRoot, unless the test says otherwise.
sub _tame {
    my ($self) = @_;
    my @directive = (
        [ 'VPNSentinelStateDir', 'state', 'VPN_SENTINEL_STATE_DIR' ],
        [ 'VPNSentinelServerPublicIP', 'none', 'VPN_SENTINEL_SERVER_PUBLIC_IP' ],
    );
    return join '', map { "$_->[0] $_->[1]\n" }
        grep { $self->{conf} !~ /^\s*$_->[0]\s/mi && !exists $self->{env}{ $_->[2] } } @directive;
}

# A text with its placeholders filled in.
sub _filled {
    my ($self, $text) = @_;
    $text =~ s/\@ROOT\@/$self->{root}/g;
    $text =~ s/\@PORT(\d*)\@/$self->port($1 || 0)/ge;
    return $text;
}

# "LoadModule ..." for one of httpd's modules, nothing for one that is linked into it.
sub _load_line {
    my ($name) = @_;
    our $static //= { map { $_ => 1 } `'$HTTPD' -l` =~ /^\s*(?:mod_)?(\w+)\.c$/mg };
    return '' if $static->{ $name =~ s/^mpm_//r };
    return qq{LoadModule ${name}_module "$HTTPD_MODULES/mod_$name.so"\n};
}

# Ports that are free now: all are held open until all are known.
sub free_ports {
    my (undef, $count) = @_;
    my @socket;
    # Below those that the kernel gives to connections: a server that is away for a moment has its port again.
    for (1 .. 10_000) {
        my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 10_000 + int rand 22_000, Listen => 1)
            or next;
        push @socket, $socket;
        return map { $_->sockport } @socket if @socket == $count;
    }
    croak 'no free port';
}

sub _spawn {
    my ($self) = @_;
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        # A session of its own: Ctrl-C does not reach it, and stop() can see what is left.
        POSIX::setsid();
        open(STDIN, '<', '/dev/null') or POSIX::_exit(127);
        open(STDOUT, '>>', "$self->{root}/logs/stderr") or POSIX::_exit(127);
        open(STDERR, '>&', \*STDOUT) or POSIX::_exit(127);
        $self->_exec('-DFOREGROUND');
    }
    $self->{pid} = $self->{session} = $pid;
    $self->{exit_status} = undef;
}

# Becomes httpd; never returns.
sub _exec {
    my ($self, @argument) = @_;
    delete @ENV{ grep { /^(?:VPN_SENTINEL|TELEGRAM|IPINFO)_/ } keys %ENV };
    # A sanitizer's runtime has to come first.
    my @preload = grep { $_ } $ENV{VPS_SANITIZER}, $self->{clock} ? $CLOCK_STEP : undef;
    $ENV{LD_PRELOAD} = join ' ', @preload if @preload;
    $ENV{VPS_CLOCK_STEP} = "$self->{root}/clock" if $self->{clock};
    if ($ENV{VPS_SANITIZER}) {
        $ENV{UBSAN_OPTIONS} = 'print_stacktrace=1';
        $ENV{ASAN_OPTIONS} = 'detect_leaks=' . ($self->{leaks} ? 1 : 0);
        $ENV{LSAN_OPTIONS} = "suppressions=$SUPPRESSIONS:print_suppressions=0";
    }
    while (my ($name, $value) = each %{ $self->{env} }) {
        if (defined $value) {
            $ENV{$name} = $self->_filled($value);
        } else {
            delete $ENV{$name};
        }
    }
    my @command = ($HTTPD, '-f', "$self->{root}/httpd.conf", @argument);
    if (defined $self->{mount}) {
        my $script = $self->_filled($self->{mount}) . ' && exec "$@"';
        unshift @command, qw(unshare --mount sh -c), $script, 'sh';
    }
    exec { $command[0] } @command or POSIX::_exit(127);
}

# Can a test give its httpd a view of its own of the file system?
sub can_mount {
    return $> == 0 && system('unshare --mount true >/dev/null 2>&1') == 0;
}

# --- asking ---------------------------------------------------------------------------------------

sub port {
    my ($self, $index) = @_;
    return $self->{port_numbers}[$index // 0];
}

sub url {
    my ($self, $path, $index) = @_;
    return 'http://127.0.0.1:' . $self->port($index) . $path;
}

# Sends one request and returns HTTP::Tiny's answer. Options: headers; content (bytes, or a hash or
# array to be sent as JSON, or a function for chunks); port (its index). No header is added that is
# not given, but for Host, Connection, User-Agent and the body's length.
sub request {
    my ($self, $method, $path, $option) = @_;
    my %argument = (headers => $option->{headers} // {});
    if (defined $option->{content}) {
        my $content = $option->{content};
        $argument{content} =
            ref $content eq 'HASH' || ref $content eq 'ARRAY'
            ? JSON::PP->new->utf8->encode($content)
            : $content;
    }
    my $agent = VpsHttpd::Agent->new(
        keep_alive => 0,
        max_redirect => 0,
        timeout => $DEADLINE,
        proxy => undef,
        http_proxy => undef,
    );
    return $agent->request($method, $self->url($path, $option->{port}), \%argument);
}

# The same; returns (status, decoded JSON or undef, answer).
sub json {
    my ($self, @request) = @_;
    my $answer = $self->request(@request);
    my $body = eval { JSON::PP->new->utf8->allow_nonref->decode($answer->{content}) };
    return ($answer->{status}, $body, $answer);
}

# Sends bytes as they are, ends our side of the connection and returns all that comes back.
sub raw {
    my ($self, $bytes, $index) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->port($index))
        or croak "connect: $!";
    $socket->autoflush(1);
    print {$socket} $bytes;
    shutdown $socket, SHUT_WR;
    my $answer = '';
    my $select = IO::Select->new($socket);
    while ($select->can_read($DEADLINE)) {
        sysread($socket, $answer, 65536, length $answer) or last;
    }
    return $answer;
}

# --- processes ------------------------------------------------------------------------------------

sub pid {
    my ($self) = @_;
    return $self->{pid};
}

# The living processes whose parent is httpd, but for the monitor.
sub children {
    my ($self) = @_;
    return map { $_->{pid} }
        grep { $_->{parent} == $self->{pid} && $_->{group} != $_->{pid} } _processes();
}

# The living monitors, also of an httpd that has ended: what leads a process group of its own.
sub monitors {
    my ($self) = @_;
    my $session = $self->{session} // return;
    return map { $_->{pid} }
        grep { $_->{session} == $session && $_->{group} == $_->{pid} && $_->{pid} != $session }
        _processes();
}

# Waits for the one monitor, another than the one given; returns it, or false.
sub wait_for_monitor {
    my ($self, $not) = @_;
    return $self->wait_for(sub {
        my @monitor = $self->monitors;
        return @monitor == 1 && $monitor[0] != ($not // 0) && $monitor[0];
    });
}

# Until the server has read its store: before that, pages say of what they do not know that it may come.
sub wait_until_read {
    my ($self, $dashboard) = @_;
    my $nobody = ($dashboard // '/dashboard') . '/client/nobody';
    $self->wait_for(sub { $self->request('GET', $nobody)->{status} == 404 }) or croak 'the store is not read';
}

# The living processes of a session.
sub session {
    my (undef, $session) = @_;
    return map { $_->{pid} } grep { $_->{session} == $session } _processes();
}

sub graceful {
    my ($self) = @_;
    $self->_new_generation('USR1');
}

sub restart {
    my ($self) = @_;
    $self->{is_restarted} = 1;
    $self->_new_generation('HUP');
}

# Signals httpd and returns when the new generation has children, and it alone takes connections.
# Requests that the old one has begun may still run.
sub _new_generation {
    my ($self, $signal) = @_;
    my $before = $self->_generations;
    my %old = map { $_ => 1 } $self->children;
    kill $signal, $self->{pid};
    $self->wait_for(sub { $self->_ended || $self->_generations > $before })
        or croak "no new generation after SIG$signal:\n" . $self->error_log;
    croak "httpd ended after SIG$signal:\n" . $self->error_log if !$self->{pid};
    my %listener = map { $_ => 1 } _sockets($self->{pid});
    $self->wait_for(sub { grep { !$old{$_} } $self->children })
        or croak "no new children after SIG$signal";
    $self->wait_for(sub { !grep { $listener{$_} } map { _sockets($_) } keys %old })
        or croak "the old generation still listens after SIG$signal";
}

# Stops httpd and returns its wait status (0 = clean), the same when called again.
sub stop {
    my ($self) = @_;
    if ($self->{pid}) {
        kill 'TERM', $self->{pid};
        if (!$self->wait_for(sub { $self->_ended })) {
            Test::More::diag("httpd $self->{pid} did not stop, it is killed");
            kill 'KILL', $self->{pid};
            $self->wait_for(sub { $self->_ended });
        }
    }
    $self->_end_session;
    return $self->{exit_status};
}

# kill -9 of every process at once.
sub crash {
    my ($self) = @_;
    kill 'KILL', $self->session($self->{session});
    $self->wait_for(sub { $self->_ended && !$self->session($self->{session}) })
        or croak 'processes outlive SIGKILL';
    $self->{session} = undef;
}

# Sets how far, in seconds, the wall clock of httpd's processes is from the true one.
sub step_clock {
    my ($self, $seconds) = @_;
    # Never truncated: the processes have it mapped.
    sysopen(my $file, "$self->{root}/clock", O_RDWR | O_CREAT, 0644) or croak "clock: $!";
    syswrite $file, pack('q', $seconds);
    close $file;
}

# Steps that clock to shortly behind the start of a quarter of an hour, with which histories and charts change:
# the next one is minutes away. Forwards: nothing that there is comes to lie in the future. Returns the step.
sub step_clear_of_quarters {
    my ($self) = @_;
    my $step = 900 - time % 900 + 60;
    $self->step_clock($step);
    return $step;
}

# How httpd ended: its wait status, undef while it runs.
sub exit_status {
    my ($self) = @_;
    return $self->{exit_status};
}

# True once httpd has ended.
sub _ended {
    my ($self) = @_;
    return 1 if !$self->{pid};
    return 0 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
    $self->{exit_status} = $?;
    $self->{pid} = undef;
    return 1;
}

# Children of an httpd that was killed live on, and keep its ports.
sub _end_session {
    my ($self) = @_;
    my $session = $self->{session} // return;
    my $is_over = sub { !$self->session($session) };
    if (!$self->wait_for($is_over, 5)) {
        kill 'KILL', $self->session($session);
        $self->wait_for($is_over);
    }
    $self->{session} = undef;
}

# The children of httpd that have ended and that it has not taken note of.
sub zombies {
    my ($self) = @_;
    return map { $_->{pid} }
        grep { $_->{parent} == $self->{pid} && $_->{state} eq 'Z' } _all_processes();
}

# All processes of this machine but zombies.
# One whose first thread has ended has its files, its ports too, until the last one has.
sub _processes {
    return grep { $_->{state} ne 'Z' || (my @thread = glob "/proc/$_->{pid}/task/*") > 1 } _all_processes();
}

sub _all_processes {
    my @process;
    for my $path (glob '/proc/[0-9]*/stat') {
        open(my $file, '<', $path) or next;
        my $stat = <$file> // next;
        my ($pid, $state, $parent, $group, $session) =
            $stat =~ /^(\d+) .*\) (\S) (\d+) (\d+) (\d+) /s
            or next;
        push @process, {
            pid => $pid,
            state => $state,
            parent => $parent,
            group => $group,
            session => $session,
        };
    }
    return @process;
}

# The sockets that a process has open; none when it is gone.
sub _sockets {
    my ($pid) = @_;
    return map { (readlink($_) // '') =~ /^(socket:.*)/ } glob "/proc/$pid/fd/*";
}

# The ports on which a process listens.
sub listens {
    my (undef, $pid) = @_;
    my %own = map { $_ => 1 } _sockets($pid);
    my @port;
    for my $path (glob '/proc/net/tcp*') {
        open(my $file, '<', $path) or next;
        while (<$file>) {
            # State 0A is LISTEN; behind it queues, timer, retransmissions, user, time-out, inode.
            my ($port, $inode) = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A (?:\S+\s+){5}(\d+)/ or next;
            push @port, hex $port if $own{"socket:[$inode]"};
        }
    }
    return @port;
}

# How often httpd has said that it serves.
sub _generations {
    my ($self) = @_;
    return scalar(() = $self->read_file('logs/error.log') =~ /resuming normal operations/g);
}

# Polls until the condition is true; returns its value, or false after some seconds.
sub wait_for {
    my (undef, $condition, $seconds) = @_;
    my $end = clock_gettime(CLOCK_MONOTONIC) + ($seconds // $DEADLINE);
    my $pause = $FIRST_PAUSE;
    while (1) {
        my $value = $condition->();
        return $value if $value || clock_gettime(CLOCK_MONOTONIC) > $end;
        sleep $pause;
        $pause = min($pause * 1.5, $LAST_PAUSE);
    }
}

# --- files ----------------------------------------------------------------------------------------

sub root {
    my ($self) = @_;
    return $self->{root};
}

# A file below the ServerRoot, "" when there is none.
sub read_file {
    my ($self, $path) = @_;
    open(my $file, '<:raw', "$self->{root}/$path") or return '';
    local $/;
    return <$file> // '';
}

sub write_file {
    my ($self, $path, $content) = @_;
    open(my $file, '>:raw', "$self->{root}/$path") or croak "$path: $!";
    print {$file} $content;
    close $file or croak "$path: $!";
}

# What httpd has written, before and after it opened its log.
sub error_log {
    my ($self) = @_;
    return $self->read_file('logs/stderr') . $self->read_file('logs/error.log');
}

# A test: the error log has nothing unexpected (see ErrorLog) but for lines that match one of
# allow => [qr/.../].
sub check_error_log {
    my ($self, %option) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @found = ErrorLog::unexpected($self->error_log, is_restarted => $self->{is_restarted}, %option);
    return Test::More::is(join('', @found), '', 'the error log has nothing unexpected');
}

# Stops httpd and takes its ServerRoot away.
sub _remove {
    my ($self) = @_;
    return if $$ != $self->{owner} || $self->{removed}++;
    local ($?, $!, $@);
    $self->stop;
    if ($ENV{VPS_KEEP} || !Test::More->builder->is_passing) {
        Test::More::diag("kept: $self->{root}");
    } else {
        remove_tree($self->{root});
    }
}

sub DESTROY {
    my ($self) = @_;
    $self->_remove;
}

# Perl destroys what a named sub refers to only after it has taken Test::More apart.
END {
    $_->_remove for grep { defined } @objects;
}

package VpsHttpd::Agent;

use parent 'HTTP::Tiny';

# HTTP::Tiny gives every body a Content-Type; here a request has one only when the test says so.
sub _prepare_headers_and_cb {
    my ($self, $request, $argument, @more) = @_;
    $self->SUPER::_prepare_headers_and_cb($request, $argument, @more);
    if (!grep { lc eq 'content-type' } keys %{ $argument->{headers} }) {
        delete $request->{headers}{'content-type'};
    }
}

1;
