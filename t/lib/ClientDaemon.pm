package ClientDaemon;

=head1 NAME

ClientDaemon - runs the built vpn-sentinel-client

=head1 SYNOPSIS

    my $done = ClientDaemon->run(args => ['--once'], env => { VPN_SENTINEL_SERVER_URL => $url });
    is($done->{status}, 0);

    my $client = ClientDaemon->start(env => {...});
    ok($client->wait_for_log(qr/accepted/));
    $client->signal('USR1');
    is($client->end, 0);

=head1 DESCRIPTION

The daemon sees none of the product's variables, and no proxy's or systemd's, but those given; and the
configuration file whose text config => gives, an empty one else. It leaves word for --healthcheck in a folder
of its own, path('run'), sends no DNS query, does not probe IPv6 and finds no place service, unless env says otherwise: no test asks
the world. A report of a sanitizer is a failure.

=head2 run(args => [...], env => {...}, config => TEXT, default_config => BOOL, ...)

Also preload => [...], libraries; by => [...], the command that runs the daemon; resolv_conf => TEXT, its
/etc/resolv.conf, only where VpsHttpd->can_mount says so.

Waits for its end; returns a hash of status (exit status, or "signal N"), out and err (characters, not bytes).

=head2 start(the same, program => [...])

program is what comes before the daemon's own arguments: another program that runs it, or a copy of it.

Returns the running daemon. log() is its standard error so far, in lines when asked for a list;
wait_for_log(RE, N) waits until N (1) lines match; wait_for(CODE) until CODE says yes; end() sends TERM and
waits, wait_exit() only waits; both return the status, undef when it does not end.

With preload => ['clockstep'] its clocks can be stepped: step_clock(SECONDS) sets the wall clock so far from
the true one, suspend(SECONDS) lets it find that the machine was suspended for so long in all. With
preload => ['slowlookup'] no look-up of a name ends, and the log has a line "look-up of NAME" when one begins.
by => [...] is a command that becomes the daemon.

=cut

use strict;
use warnings;

use Cwd qw(getcwd);
use Fcntl qw(O_CREAT O_RDWR);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep time);

my $DEADLINE = 30;    # seconds until a test gives up; nothing is expected to take so long

my %OFFLINE = (
    VPN_SENTINEL_DNS_WHOAMI => 'none', VPN_SENTINEL_TRACE6_URL => 'off',
    map { ("VPN_SENTINEL_${_}_URL" => 'http://127.0.0.1:1') } qw(TRACE IPINFO IPAPI IPWHOIS),
);

# The log has characters beyond ASCII, and a failed test shows it.
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

sub _new {
    my ($class, %option) = @_;
    my $base = $ENV{VPS_BUILDDIR} // getcwd();
    make_path("$base/t/tmp");
    my $self = bless {
        owner => $$, program => "$base/client/vpn-sentinel-client",
        folder => tempdir('client-XXXXXX', DIR => "$base/t/tmp", CLEANUP => 1),
    }, $class;
    $self->{base} = $base;
    $self->{preload} = $option{preload} // [];
    $self->{by} = [ @{ $option{by} // [] } ];
    $self->configure($option{config} // '');
    $self->step_clock(0), $self->suspend(0);
    my @args = @{ $option{args} // [] };
    unshift @args, '--config', $self->path('client.conf') unless $option{default_config};
    my %env = %{ $option{env} // {} };
    # What is in force by default shall be seen, but not done.
    %env = (%OFFLINE, %env) if !grep { $_ eq '--check-config' } @args;
    $env{VPN_SENTINEL_RUN_DIR} //= $self->path('run') if $option{daemon};
    unshift @args, @{ $option{program} // [ $self->{program} ] };
    if (defined $option{resolv_conf}) {
        $self->_write('resolv.conf', $option{resolv_conf});
        push @{ $self->{by} }, qw(unshare --mount sh -c),
            'mount --bind "$0" /etc/resolv.conf && exec "$@"', $self->path('resolv.conf');
    }
    $self->_spawn(\@args, \%env);
    return $self;
}

sub _spawn {
    my ($self, $args, $env) = @_;
    $self->{pid} = fork // die "fork: $!";
    return if $self->{pid};
    delete @ENV{ grep { /^VPN_SENTINEL_|^IPINFO_|^NOTIFY_|^WATCHDOG_|_proxy\z/i } keys %ENV };
    @ENV{ keys %$env } = values %$env;
    $self->_preload;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $self->path('out');
    open STDERR, '>', $self->path('err');
    my @command = (@{ $self->{by} }, @$args);
    { no warnings 'exec'; exec { $command[0] } @command; }
    POSIX::_exit(127);
}

# A sanitizer's runtime has to come first.
sub _preload {
    my ($self) = @_;
    my @library = map { "$self->{base}/t/.libs/$_.so" } @{ $self->{preload} } or return;
    $ENV{LD_PRELOAD} = join ' ', grep { $_ } $ENV{VPS_SANITIZER}, @library;
    $ENV{VPS_CLOCK_STEP} = $self->path('step');
    $ENV{VPS_CLOCK_SUSPEND} = $self->path('suspend');
    return;
}

sub step_clock { return $_[0]->_set_clock(step => $_[1]) }
sub suspend { return $_[0]->_set_clock(suspend => $_[1]) }

sub _set_clock {
    my ($self, $name, $seconds) = @_;
    # Never truncated: the daemon has it mapped.
    sysopen my $out, $self->path($name), O_RDWR | O_CREAT or die "$name: $!";
    syswrite $out, pack('q', $seconds);
    close $out;
    return;
}

sub path {
    my ($self, $name) = @_;
    return "$self->{folder}/$name";
}

sub _slurp {
    my ($self, $name) = @_;
    open my $in, '<:encoding(UTF-8)', $self->path($name) or return '';
    local $/ = undef;
    return scalar <$in>;
}

# Write the configuration file; a running daemon reads it at its next HUP.
sub configure {
    my ($self, $text) = @_;
    return $self->_write('client.conf', $text);
}

sub _write {
    my ($self, $name, $text) = @_;
    open my $out, '>', $self->path($name) or die "$name: $!";
    print {$out} $text;
    close $out;
    return;
}

sub run {
    my ($class, %option) = @_;
    my $self = $class->_new(%option);
    return { status => $self->wait_exit, out => $self->_slurp('out'), err => $self->_slurp('err') };
}

sub start {
    my ($class, %option) = @_;
    return $class->_new(%option, daemon => 1);
}

sub pid { return $_[0]{pid} }

sub signal {
    my ($self, $name) = @_;
    return kill $name, $self->{pid};
}

sub log {
    my ($self) = @_;
    my $text = $self->_slurp('err');
    return wantarray ? split(/\n/, $text) : $text;
}

sub wait_for {
    my ($self, $code) = @_;
    my $end = time + $DEADLINE;
    while (time < $end) {
        return 1 if $code->();
        sleep 0.02;
    }
    Test::More::diag('waited in vain; log: ' . $self->log);
    return 0;
}

sub wait_for_log {
    my ($self, $re, $count) = @_;
    return $self->wait_for(sub { (grep { /$re/ } $self->log) >= ($count // 1) });
}

sub wait_exit {
    my ($self) = @_;
    my $ended = $self->wait_for(sub { waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid} }) or return;
    my $status = $?;
    delete $self->{pid};
    my $err = $self->_slurp('err');
    Test::More::fail("sanitizer: $err") if $err =~ /Sanitizer|runtime error:/;
    return $status & 127 ? 'signal ' . ($status & 127) : $status >> 8;
}

sub end {
    my ($self) = @_;
    $self->signal('TERM');
    return $self->wait_exit;
}

sub DESTROY {
    my ($self) = @_;
    return unless $self->{pid} && $self->{owner} == $$;
    local ($?, $@, $!);
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
