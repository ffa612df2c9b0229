// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// A token that keeps to ERC-20.
contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);

    uint8 public constant decimals = 6;
    mapping(address => uint256) public balanceOf;

    constructor() {
        balanceOf[msg.sender] = 10 ** 30;
    }

    function transfer(address to, uint256 value) external virtual returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function _move(address from, address to, uint256 value) internal {
        require(balanceOf[from] >= value, "not enough");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}

/// As the older ones are: it returns nothing where ERC-20 wants a bool.
contract SilentToken {
    event Transfer(address indexed from, address indexed to, uint256 value);

    mapping(address => uint256) public balanceOf;

    constructor() {
        balanceOf[msg.sender] = 10 ** 30;
    }

    function transfer(address to, uint256 value) external {
        require(balanceOf[msg.sender] >= value, "not enough");
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
    }
}

/// Sends on what it is given: the chain's own coin, or a token that it holds.
contract Forwarder {
    function forward(address payable to) external payable {
        (bool sent, ) = to.call{value: msg.value}("");
        require(sent, "refused");
    }

    function forwardToken(Token token, address[] calldata recipients, uint256 value) external {
        for (uint256 i = 0; i < recipients.length; i++) {
            token.transfer(recipients[i], value);
        }
    }
}

/// Keeps one part in a hundred of what is sent for itself.
contract FeeToken is Token {
    function transfer(address to, uint256 value) external override returns (bool) {
        uint256 fee = value / 100;
        _move(msg.sender, address(this), fee);
        _move(msg.sender, to, value - fee);
        return true;
    }
}

/// Keeps one part in a hundred too, and tells of the whole.
contract OverstatingToken is Token {
    function transfer(address to, uint256 value) external override returns (bool) {
        require(balanceOf[msg.sender] >= value, "not enough");
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value - value / 100;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}

/// Tells of its transfers also in ways that are none: without topics, as an NFT does, of nothing, and with more data.
contract OddToken is Token {
    bytes32 constant TOPIC = keccak256("Transfer(address,address,uint256)");

    function transfer(address to, uint256 value) external override returns (bool) {
        bytes32 from = bytes32(uint256(uint160(msg.sender)));
        bytes32 recipient = bytes32(uint256(uint160(to)));
        bytes memory plain = abi.encode(msg.sender, to, value);
        bytes memory longer = abi.encode(value, value);
        bytes memory zero = abi.encode(uint256(0));
        bytes32 topic = TOPIC;
        assembly {
            log1(add(plain, 32), mload(plain), topic)
            log4(0, 0, topic, from, recipient, value)
            log3(add(longer, 32), mload(longer), topic, from, recipient)
            log3(add(zero, 32), mload(zero), topic, from, recipient)
        }
        _move(msg.sender, to, value);
        return true;
    }
}

/// A wallet that is a contract: it does several things in one transaction.
contract Wallet {
    receive() external payable {}

    function execute(address[] calldata targets, uint256[] calldata values, bytes[] calldata calls) external {
        for (uint256 i = 0; i < targets.length; i++) {
            (bool done, ) = targets[i].call{value: values[i]}(calls[i]);
            require(done, "refused");
        }
    }
}

/// Counts shares, of which a rebase makes each worth more or less, for everybody at once and without a transfer.
contract RebasingToken {
    event Transfer(address indexed from, address indexed to, uint256 value);

    mapping(address => uint256) public shares;
    uint256 public percent = 100;

    constructor() {
        shares[msg.sender] = 10 ** 30;
    }

    function balanceOf(address holder) external view returns (uint256) {
        return (shares[holder] * percent) / 100;
    }

    function rebase(uint256 to) external {
        percent = to;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        uint256 moved = (value * 100) / percent;
        shares[msg.sender] -= moved;
        shares[to] += moved;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}

/// Refuses whoever is on its list, as those of dollars do.
contract ListingToken is Token {
    mapping(address => bool) public refused;

    function refuse(address holder) external {
        refused[holder] = true;
    }

    function transfer(address to, uint256 value) external override returns (bool) {
        require(!refused[msg.sender] && !refused[to], "refused");
        _move(msg.sender, to, value);
        return true;
    }
}

/// A token behind a proxy (EIP-1967): its address and its balances stay, what a transfer does can be replaced.
contract UpgradeableToken {
    bytes32 constant IMPLEMENTATION = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);

    mapping(address => uint256) public balanceOf;

    constructor() {
        balanceOf[msg.sender] = 10 ** 30;
    }

    function upgradeTo(address implementation) external {
        bytes32 slot = IMPLEMENTATION;
        assembly {
            sstore(slot, implementation)
        }
    }

    fallback() external {
        bytes32 slot = IMPLEMENTATION;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), sload(slot), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(done) {
                revert(0, returndatasize())
            }
            return(0, returndatasize())
        }
    }
}
