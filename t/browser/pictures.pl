# Makes the pictures of the dashboard that the documentation shows, of a fleet with some troubles and
# a day behind it, which takes some minutes: "make pictures". They go to the folder given.
use strict;
use warnings;
use utf8;

use Compress::Zlib qw(compress crc32 uncompress);
use JSON::PP ();
use List::Util qw(min);
use POSIX ();
use Time::HiRes qw(sleep);

use Browser;
use VpsHttpd;

my $folder = $ARGV[0] // die "usage: $0 FOLDER\n";
my $WIDTH = 1400;
my $HEIGHT = 1000;
my $QUARTER = 900;  # seconds
my $NOW = 100;      # quarters after the fleet's first
my $SERVER_IP = '198.51.100.7';

# city, region, country, code, provider, data centre
my @PLACES = (
    ['Bucharest', 'București', 'Romania', 'RO', 'AS9009 M247 Europe SRL', 'OTP'],
    ['Frankfurt am Main', 'Hesse', 'Germany', 'DE', 'AS60068 Datacamp Limited', 'FRA'],
    ['Campinas', 'São Paulo', 'Brazil', 'BR', 'AS52925 Ascenty', 'GRU'],
    ['Malmö', 'Skåne', 'Sweden', 'SE', 'AS39351 31173 Services AB', 'CPH'],
    ['Zürich', 'ZH', 'Switzerland', 'CH', 'AS51852 Private Layer INC', 'ZRH'],
);
my @NAMES = qw(
    office-vpn-primary office-vpn-backup nas-berlin media-gluetun lab-wireguard branch-lisbon
    branch-oslo seedbox-1 seedbox-2 home-assistant backup-site camera-gateway branch-vienna
    build-runner print-server till-1 till-2 warehouse studio-laptop router-attic mail-relay
    test-bench holiday-home guest-network
);

# What goes wrong, from one quarter to another of the hundred before now.
my %TROUBLE = (
    'lab-wireguard' => [ [ 12, 14, 'down' ], [ 91, 101, 'bypass' ] ],
    'seedbox-1' => [ [ 97, 101, 'leak' ] ],
    'office-vpn-backup' => [ [ 40, 43, 'down' ] ],
    'branch-oslo' => [ [ 22, 30, 'leak' ], [ 70, 72, 'leak' ] ],
    'nas-berlin' => [ [ 55, 56, 'bypass' ] ],
    'branch-lisbon' => [ [ 60, 70, 'silent' ] ],
    'till-2' => [ [ 34, 38, 'leak' ] ],
    'router-attic' => [ [ 80, 84, 'unknown' ] ],
    'studio-laptop' => [ [ 5, 28, 'silent' ], [ 84, 101, 'silent' ] ],
    'home-assistant' => [ [ 0, 40, 'silent' ] ],
);

my %CHANGE = (
    bypass => sub { $_[0]{public_ip} = $SERVER_IP },
    down => sub { $_[0]{vpn_connected} = JSON::PP::false },
    leak => sub { @{ $_[0] }{qw(dns_verdict dns_loc dns_colo)} = qw(leak US IAD) },
    unknown => sub { delete @{ $_[0] }{qw(dns_verdict dns_loc dns_colo)} },
    silent => sub { $_[0] = undef },
);

# What a client reports in a quarter; undef = nothing.
sub report_of {
    my ($number, $quarter) = @_;
    my $place = $PLACES[ $number % @PLACES ];
    my $report = {
        client_id => $NAMES[$number], public_ip => '203.0.113.' . ($number + 1),
        city => $place->[0], region => $place->[1], country => $place->[2],
        location => $place->[3], provider => $place->[4],
        dns_loc => $place->[3], dns_colo => $place->[5], dns_verdict => 'tunnel',
        ipv6_verdict => 'blocked', vpn_connected => JSON::PP::true, client_version => '1.4.2',
    };
    for my $trouble (@{ $TROUBLE{ $NAMES[$number] } // [] }) {
        my ($begin, $end, $what) = @$trouble;
        $CHANGE{$what}->($report) if $report && $quarter >= $begin && $quarter < $end;
    }
    return $report;
}

sub report {
    my ($httpd, $quarter) = @_;
    for my $report (grep { $_ } map { report_of($_, $quarter) } 0 .. $#NAMES) {
        my $answer = $httpd->request('POST', '/api/v1/keepalive', { content => $report });
        die $answer->{content} if $answer->{status} != 200;
    }
}

# A step is a quarter by the clock that is shown. The monitor looks, and silence is measured, by the
# other one: there it must be longer than CheckInterval.
sub make_day {
    my ($httpd) = @_;
    for my $quarter (0 .. $NOW) {
        $httpd->step_clock(($quarter - $NOW) * $QUARTER);
        report($httpd, $quarter);
        sleep 1.2;
    }
}

# Reports go on while pictures are taken. Returns the process that sends them.
sub go_on {
    my ($httpd) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    $SIG{TERM} = sub { POSIX::_exit(0) };
    while (1) {
        report($httpd, $NOW);
        sleep 0.5;
    }
}

# --- pictures: from true colours to a palette, which makes them a third as large ------------------

sub read_file {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$file>;
}

sub chunk {
    my ($type, $data) = @_;
    return pack('N', length $data) . $type . $data . pack('N', crc32($type . $data));
}

sub paeth {
    my ($left, $above, $corner) = @_;
    my @way = map { abs($left + $above - $corner - $_) } $left, $above, $corner;
    return $way[0] <= $way[1] && $way[0] <= $way[2] ? $left : $way[1] <= $way[2] ? $above : $corner;
}

# What a PNG filter adds to a byte.
my @FILTER = (
    sub { 0 }, sub { $_[0] }, sub { $_[1] }, sub { ($_[0] + $_[1]) >> 1 }, \&paeth,
);

# The width, the height, and the lines of a PNG of three bytes a pixel, each a list of colours.
sub decode {
    my ($png) = @_;
    my ($width, $height, $kind) = unpack 'x16 N N n', $png;
    die 'not of three bytes a pixel' if $kind != 0x0802;
    my $data = '';
    for (my $at = 8; $at < length $png;) {
        my ($size, $type) = unpack "x$at N a4", $png;
        $data .= substr $png, $at + 8, $size if $type eq 'IDAT';
        $at += 12 + $size;
    }
    my @lines;
    my @above = (0) x ($width * 3);
    for my $line (unpack '(a' . ($width * 3 + 1) . ')*', uncompress($data)) {
        my ($filter, @byte) = unpack 'C*', $line;
        my $add = $FILTER[$filter];
        for my $n ($filter ? 0 .. $#byte : ()) {
            my @before = $n < 3 ? (0, $above[$n], 0) : ($byte[ $n - 3 ], $above[$n], $above[ $n - 3 ]);
            $byte[$n] = ($byte[$n] + $add->(@before)) & 255;
        }
        push @lines, [ unpack '(a3)*', pack 'C*', @byte ];
        @above = @byte;
    }
    return ($width, $height, @lines);
}

# For each colour the number of one of the most frequent, the nearest.
sub numbers_of {
    my ($palette, @colours) = @_;
    my @known = map { [ unpack 'C3', $_ ] } @$palette;
    my %number;
    for my $colour (@colours) {
        my @c = unpack 'C3', $colour;
        my ($best, $least) = (0, 1e9);
        for my $n (0 .. $#known) {
            my $far = 0;
            $far += ($c[$_] - $known[$n][$_])**2 for 0 .. 2;
            ($best, $least) = ($n, $far) if $far < $least;
        }
        $number{$colour} = chr $best;
    }
    return \%number;
}

sub with_palette {
    my ($width, $height, @lines) = decode($_[0]);
    my %count;
    $count{$_}++ for map { @$_ } @lines;
    my @colours = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
    my @palette = @colours[ 0 .. min(255, $#colours) ];
    my $number = numbers_of(\@palette, @colours);
    my $data = join '', map { "\0" . join('', @{$number}{@$_}) } @lines;
    return "\x89PNG\r\n\x1a\n" . chunk('IHDR', pack 'N N C5', $width, $height, 8, 3, 0, 0, 0)
        . chunk('PLTE', join '', @palette) . chunk('IDAT', compress($data, 9)) . chunk('IEND', '');
}

sub take {
    my ($browser, $scheme) = @_;
    $browser->media('prefers-color-scheme' => $scheme);
    my $png = with_palette(read_file($browser->screenshot("dashboard-$scheme", 1)));
    my $path = "$folder/dashboard-$scheme.png";
    open my $file, '>:raw', $path or die "$path: $!";
    print {$file} $png;
    close $file or die "$path: $!";
}

# --- the whole -------------------------------------------------------------------------------------

die Browser->missing, "\n" if Browser->missing;
my $httpd = VpsHttpd->start(clock => 1, conf => <<"CONF");
VPNSentinelRateLimit 0
VPNSentinelAPI
VPNSentinelAPIKey none
VPNSentinelDashboard
VPNSentinelServerPublicIP $SERVER_IP
VPNSentinelOfflineThreshold 3
VPNSentinelCheckInterval 1
CONF
make_day($httpd);
my $reporter = go_on($httpd);
my $browser = Browser->start(arguments => ['--hide-scrollbars']);
$browser->resize($WIDTH, $HEIGHT);
$browser->open($httpd->url('/dashboard'));
$browser->wait_for('document.getElementById("live").className === "live"') or die 'not live';
take($browser, $_) for qw(light dark);
kill 'TERM', $reporter;
waitpid $reporter, 0;
$browser->stop;
$httpd->stop;
