package Ctl;

=head1 NAME

Ctl - runs the built vpn-sentinel-ctl, also at a terminal

=head1 SYNOPSIS

    my $done = Ctl->run(args => ['list'], env => { VPN_SENTINEL_SERVER_URL => $url });
    is($done->{status}, 0);

    my $watch = Ctl->start(args => ['watch'], env => {...}, terminal => [24, 80]);
    ok($watch->wait_for(qr/office/));
    $watch->type("\x03");
    is($watch->end, 0);

=head1 DESCRIPTION

The program sees none of the product's variables, and no proxy's, but those given; a locale of UTF-8 and
TERM=xterm, unless env says otherwise, where undef removes one; and the configuration file whose text config
=> gives, an empty one else; with default_config => 1 it is not told of any.

=head2 run(args, env, config, default_config, by, input, terminal)

by => [...] is a command that becomes the program. terminal => [ROWS, COLUMNS] runs it at one, where input is
what is typed. Waits for its end; returns a hash of status (exit status, or "signal N"), out and err
(characters, not bytes); at a terminal both are in out.

=head2 start(the same)

The running program. out() and err() are what it has written; wait_for(RE, FROM) waits until out matches behind
character FROM (0), wait_for_err(RE) the same for err, wait_until(CODE) until CODE says yes; each returns
whether it did. type(TEXT) is for a terminal. pid is the program's; resume()
lets both go on after a stop, also after one that comes too late. end() waits for its end and returns the
status, undef when it does not end.

=cut

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep time);

my $DEADLINE = 30;    # seconds until a test gives up; nothing is expected to take so long

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

sub can_have_terminal {
    return system('script -qec true /dev/null </dev/null >/dev/null 2>&1') == 0;
}

sub start {
    my ($class, %option) = @_;
    my $base = $ENV{VPS_BUILDDIR} // getcwd();
    make_path("$base/t/tmp");
    my $self = bless {
        owner => $$, terminal => $option{terminal},
        folder => tempdir('ctl-XXXXXX', DIR => "$base/t/tmp", CLEANUP => 1),
    }, $class;
    $self->_write('config', $option{config} // '');
    my @command = ("$base/ctl/vpn-sentinel-ctl");
    push @command, '--config', "$self->{folder}/config" if !$option{default_config};
    push @command, @{ $option{args} // [] };
    $self->_launch([ @{ $option{by} // [] }, @command ], $option{env} // {});
    $self->type($option{input}) if defined $option{input};
    return $self;
}

sub run {
    my ($class, %option) = @_;
    my $self = $class->start(%option);
    close $self->{input} if !$option{terminal};
    my $status = $self->end;
    return { status => $status, out => $self->out, err => $self->err };
}

sub _write {
    my ($self, $name, $text) = @_;
    open my $out, '>:encoding(UTF-8)', "$self->{folder}/$name" or die "$name: $!";
    print {$out} $text;
    close $out or die "$name: $!";
    return;
}

sub _launch {
    my ($self, $command, $env) = @_;
    pipe my $read, $self->{input} or die "pipe: $!";
    $self->{input}->autoflush(1);
    $self->{child} = fork // die "fork: $!";
    return if $self->{child};
    # As at a terminal, also where the tests run in the background: the program lets an ignored signal be.
    local @SIG{qw(INT QUIT)} = ('DEFAULT') x 2;
    delete @ENV{ grep { /^(?:VPN_SENTINEL_|IPINFO_|NO_COLOR|LC_|LANG|.*_proxy$)/i } keys %ENV };
    my %all = (LC_ALL => 'C.UTF-8', TERM => 'xterm', %$env);
    $ENV{$_} = $all{$_} for keys %all;
    delete @ENV{ grep { !defined $all{$_} } keys %all };
    open STDIN, '<&', $read or POSIX::_exit(126);
    open STDOUT, '>', "$self->{folder}/out" or POSIX::_exit(126);
    open STDERR, '>', "$self->{folder}/err" or POSIX::_exit(126);
    close $self->{input};
    my $size = $self->{terminal} // [];
    my @by = ('sh', '-c', 'echo $$ >"$0" && exec "$@"', "$self->{folder}/pid");
    if (@$size) {
        $self->_write('run', "stty rows $size->[0] cols $size->[1]\necho \$\$ >'$self->{folder}/pid'\nexec "
                . join(' ', map { "'" . s/'/'\\''/gr . "'" } @$command) . "\n");
        exec { 'script' } 'script', '-qfec', "exec sh '$self->{folder}/run'", '/dev/null' or POSIX::_exit(127);
    }
    exec { $by[0] } @by, @$command or POSIX::_exit(127);
}

sub type {
    my ($self, $text) = @_;
    local $SIG{PIPE} = 'IGNORE';
    print { $self->{input} } $text;
    return;
}

sub resume {
    my ($self) = @_;
    kill 'CONT', $self->{child}, $self->pid;    # script stops with the program, some time later
    return;
}

sub _read {
    my ($self, $name) = @_;
    open my $in, '<:encoding(UTF-8)', "$self->{folder}/$name" or return '';
    local $/ = undef;
    return scalar(<$in>) // '';
}

sub out {
    my ($self) = @_;
    return $self->_read('out');
}

sub err {
    my ($self) = @_;
    return $self->_read('err');
}

sub pid {
    my ($self) = @_;
    $self->wait_until(sub { $self->_read('pid') =~ /\n/ });
    my ($pid) = $self->_read('pid') =~ /(\d+)/;
    return $pid;
}

sub wait_until {
    my ($self, $condition) = @_;
    my $end = time + $DEADLINE;
    until ($condition->()) {
        return 0 if time > $end;
        sleep 0.02;
    }
    return 1;
}

sub wait_for {
    my ($self, $re, $from) = @_;
    return $self->wait_until(sub { substr($self->out . ' ' x ($from // 0), $from // 0) =~ $re });
}

sub wait_for_err {
    my ($self, $re) = @_;
    return $self->wait_until(sub { $self->err =~ $re });
}

sub end {
    my ($self) = @_;
    my $ended = $self->wait_until(sub {
        # The terminal's, which may have been stopped late. Not the program's: its leak check, which stops
        # itself, would hang.
        kill 'CONT', $self->{child} if $self->{terminal};
        return waitpid($self->{child}, POSIX::WNOHANG()) != 0;
    });
    my $status = $?;
    return if !$ended;
    delete $self->{child};
    Test::More::fail('a sanitizer reports: ' . $self->err . $self->out)
        if ($self->err . $self->out) =~ /AddressSanitizer|LeakSanitizer|runtime error:/;
    return $status & 127 ? 'signal ' . ($status & 127) : $status >> 8;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner} || !$self->{child};
    local ($?, $@, $!);
    my ($pid) = $self->_read('pid') =~ /(\d+)/;
    kill 'KILL', grep { defined } $pid, $self->{child};
    waitpid $self->{child}, 0;
    return;
}

1;
