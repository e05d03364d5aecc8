package Browser::Driver;

=head1 NAME

Browser::Driver - chromedriver for one test

=head1 SYNOPSIS

    my $driver = Browser::Driver->start;
    my $session = $driver->call('POST', '/session', { capabilities => { ... } });
    $driver->call('POST', "/session/$session->{sessionId}/url", { url => $url });

=head1 DESCRIPTION

chromedriver chooses a free port itself. It is started by a guard, which ends it with all its
browsers when the object goes, or when the test ends in whatever way, a SIGKILL included.

=head2 missing

Why there can be no browser here; "" when there can.

=head2 call(METHOD, PATH, PARAMETERS)

One command of the WebDriver protocol. Returns its value, dies with what chromedriver says.

=head2 folder

The folder of this driver, I<build folder>/t/tmp/I<browser.script.pid>: its log, and what browsers
write. It goes with the object, unless a test failed or VPS_KEEP is set.

=head2 stop

Ends it with all its browsers. Called again, it does nothing.

=cut

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(getcwd);
use File::Basename qw(basename);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP ();
use POSIX ();
use Scalar::Util qw(weaken);
use Test::More ();

use VpsHttpd;

my $BUILD_DIR = $ENV{VPS_BUILDDIR} // getcwd();
my $DEADLINE = 120;  # seconds for one command before the test gives up
my @PROGRAMS = qw(chromedriver chromium);

my $JSON = JSON::PP->new->utf8->allow_nonref;
my $instances = 0;
my @objects;  # all of this process, weak

sub missing {
    my @missing = grep { !_is_installed($_) } @PROGRAMS;
    return "not installed: @missing" if @missing;
    return 'chromium has no sandbox here for an ordinary user' if $> != 0 && !_has_sandbox();
    return '';
}

sub _is_installed {
    my ($program) = @_;
    return scalar grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

# Chromium locks itself up by a helper that is set-user-id, or by a namespace of users.
sub _has_sandbox {
    return -u '/usr/lib/chromium/chrome-sandbox'
        || system('unshare --user true >/dev/null 2>&1') == 0;
}

sub start {
    my ($class) = @_;
    my $name = join '.', 'browser', basename($0, '.t'), $$, $instances++;
    my $self = bless { owner => $$, folder => "$BUILD_DIR/t/tmp/$name" }, $class;
    push @objects, $self;
    weaken($objects[-1]);
    make_path("$self->{folder}/home");
    # For the browsers' sockets, whose paths have to be short.
    $self->{temporary} = tempdir('vpnsentinel-XXXXXX', TMPDIR => 1);
    $self->_spawn;
    VpsHttpd->wait_for(sub { $self->{port} = $self->_told_port })
        or croak 'chromedriver does not serve: ' . $self->_log;
    $self->{agent} =
        HTTP::Tiny->new(timeout => $DEADLINE, proxy => undef, http_proxy => undef);
    return $self;
}

# The guard is ended by a signal, or by the end of this process, which closes the pipe.
sub _spawn {
    my ($self) = @_;
    pipe(my $read, my $write) or croak "pipe: $!";
    my $guard = fork // croak "fork: $!";
    if ($guard == 0) {
        POSIX::setsid();
        close $write;
        $SIG{TERM} = $SIG{INT} = $SIG{HUP} = 'DEFAULT';
        my $driver = fork // POSIX::_exit(1);
        $self->_exec if $driver == 0;
        $self->_guard($read);
    }
    close $read;
    $self->{alive} = $write;
    $self->{guard} = $guard;
}

# Becomes chromedriver; never returns.
sub _exec {
    my ($self) = @_;
    open(STDIN, '<', '/dev/null') or POSIX::_exit(127);
    open(STDOUT, '>', "$self->{folder}/log") or POSIX::_exit(127);
    open(STDERR, '>&', \*STDOUT) or POSIX::_exit(127);
    $ENV{HOME} = "$self->{folder}/home";
    $ENV{TMPDIR} = $self->{temporary};
    delete @ENV{ grep { /^XDG_|_proxy$/i } keys %ENV };
    exec 'chromedriver', '--port=0' or POSIX::_exit(127);
}

# Waits for the end of the test, kills all that was started. Never returns.
sub _guard {
    my ($self, $read) = @_;
    open(STDOUT, '>', '/dev/null');  # who reads the test's output shall not wait for it
    open(STDERR, '>', '/dev/null');
    local $SIG{TERM} = sub { close $read };
    sysread $read, my $byte, 1;
    for (1 .. 500) {
        my @left = $self->_processes or last;
        kill 'KILL', @left;
        1 while waitpid(-1, POSIX::WNOHANG()) > 0;
        select undef, undef, undef, 0.02;
    }
    remove_tree($self->{temporary});
    POSIX::_exit(0);
}

# The guard's session, and what has left it: who reports crashes has our folder as an argument.
sub _processes {
    my ($self) = @_;
    my %found = map { $_ => 1 } VpsHttpd->session($$);
    for my $path (glob '/proc/[0-9]*/cmdline') {
        open(my $file, '<', $path) or next;
        my $arguments = do { local $/; <$file> } // next;
        $found{ ($path =~ /(\d+)/)[0] } = 1 if index($arguments, "$self->{folder}/") >= 0;
    }
    delete $found{$$};
    return keys %found;
}

sub _log {
    my ($self) = @_;
    open(my $file, '<', "$self->{folder}/log") or return '';
    local $/;
    return <$file> // '';
}

sub _told_port {
    my ($self) = @_;
    return ($self->_log =~ /started successfully on port (\d+)/)[0];
}

sub call {
    my ($self, $method, $path, $parameters) = @_;
    my %option = (headers => { 'Content-Type' => 'application/json' });
    $option{content} = $JSON->encode($parameters // {}) if $method eq 'POST';
    my $answer = $self->{agent}->request($method, "http://127.0.0.1:$self->{port}$path", \%option);
    my $value = (eval { $JSON->decode($answer->{content}) } // {})->{value};
    return $value if $answer->{success};
    my $error = ref $value eq 'HASH' ? "$value->{error}: $value->{message}" : $answer->{content};
    croak "$method $path: $error";
}

sub folder {
    my ($self) = @_;
    return $self->{folder};
}

sub stop {
    my ($self) = @_;
    return if $$ != $self->{owner} || !$self->{guard};
    local ($?, $!, $@);
    kill 'TERM', $self->{guard};
    waitpid $self->{guard}, 0;
    $self->{guard} = undef;
    if ($ENV{VPS_KEEP} || !Test::More->builder->is_passing) {
        Test::More::diag("kept: $self->{folder}");
    } else {
        remove_tree($self->{folder});
    }
}

sub DESTROY {
    my ($self) = @_;
    $self->stop;
}

# Perl destroys what a named sub refers to only after it has taken Test::More apart.
END {
    $_->stop for grep { defined } @objects;
}

1;
