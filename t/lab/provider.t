# What the user sees when the provider is in trouble, or its tunnel is.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
for my $scenario (@PROVIDER) {
    $stage->play($scenario, $_) for qw(wireguard openvpn);
}
$stage->end;
done_testing;
